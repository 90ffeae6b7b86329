import { keysOf, member } from '../../value/object.ts';
import { isTooDeep, readJson } from '../../value/read-json.ts';
import { ValueTextError } from '../../value/read-text.ts';
import { jsonText } from '../../value/text.ts';
import type { ObjectValue, Value } from '../../value/value.ts';
import { type BuiltinContext, BuiltinError, type Builtins } from '../builtin.ts';
import { boolean, object, text } from '../operands.ts';

/** The JSON of a value as Go's `encoding/json` writes it: safe inside HTML, nothing that is no UTF-8. */
export function marshal(value: Value): string {
  return jsonText(value)
    .replaceAll(/\\(?:ud[89a-f][0-9a-f]{2}|.)/gs, (escape) => (escape.startsWith('\\ud') ? '\\ufffd' : escape))
    .replaceAll(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

type Layout = { readonly prefix: string; readonly indent: string };

/** Undefined for JSON on one line, which is what it is unless some option says otherwise. */
function readLayout(options: ObjectValue): Layout | undefined {
  for (const key of keysOf(options)) {
    if (key === 'prefix' || key === 'indent' || key === 'pretty') continue;
    throw new BuiltinError(`object contained unknown key ${jsonText(key)}`);
  }
  const prefix = member(options, 'prefix');
  const indent = member(options, 'indent');
  // Not `??`: null is a value, of the wrong type.
  const layout = {
    prefix: prefix === undefined ? '' : text(prefix, 2),
    indent: indent === undefined ? '\t' : text(indent, 2),
  };
  const pretty = member(options, 'pretty');
  const wanted = pretty === undefined ? prefix !== undefined || indent !== undefined : boolean(pretty, 2);
  return wanted ? layout : undefined;
}

/** JSON over several lines. Works on the text: what is outside its strings is punctuation, numbers and words. */
function layOut(context: BuiltinContext, json: string, { prefix, indent }: Layout): string {
  let depth = 0;
  const line = () => {
    // A long indent at great depth makes much of little.
    context.charge(1 + Math.ceil((prefix.length + depth * indent.length) / 64));
    return `\n${prefix}${indent.repeat(depth)}`;
  };
  const spaced = (token: string): string => {
    if (token === ',') return `,${line()}`;
    if (token === ':') return ': ';
    if (token === '[' || token === '{') {
      depth++;
      return `${token}${line()}`;
    }
    if (token !== ']' && token !== '}') return token;
    depth--;
    return `${line()}${token}`;
  };
  let made = prefix;
  let end = 0;
  for (const { token, at } of punctuationOf(json)) {
    made += json.slice(end, at) + spaced(token);
    end = at + token.length;
  }
  return made + json.slice(end);
}

/** What is outside of strings. A pattern for a whole string runs out of stack at ten million characters. */
function* punctuationOf(json: string): Generator<{ readonly token: string; readonly at: number }> {
  const next = /"|\[\]|\{\}|[[\]{},:]/g;
  for (let found = next.exec(json); found !== null; found = next.exec(json)) {
    if (found[0] === '"') next.lastIndex = endOfString(json, found.index);
    else yield { token: found[0], at: found.index };
  }
}

function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

function unmarshal(json: string): Value {
  try {
    return readJson(json);
  } catch (error) {
    if (error instanceof ValueTextError) throw new BuiltinError(error.message);
    throw error;
  }
}

/** A number that is too large to be read is valid all the same. */
function isJson(json: string): boolean {
  if (isTooDeep(json)) return false;
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}

export const jsonBuiltins: Builtins = {
  'json.marshal': (_context, value) => marshal(value as Value),
  'json.marshal_with_options': (context, value, options) => {
    const layout = readLayout(object(options, 2));
    const json = marshal(value as Value);
    return layout === undefined ? json : layOut(context, json, layout);
  },
  'json.unmarshal': (_context, json) => unmarshal(text(json, 1)),
  'json.is_valid': (_context, json) => typeof json === 'string' && isJson(json),
};
