import { quoteRegex } from '../../linear-regex.ts';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';
import { cachedRegex } from './pattern-cache.ts';

/**
 * The regular expression for a template such as `urn:acme:{.*}`: what stands between the delimiters is a pattern, all
 * else is text. Delimiters may nest within a pattern. Throws BuiltinError.
 */
export function templatePattern(context: BuiltinContext, template: string, open: string, close: string): string {
  requireDelimiter('start', open);
  requireDelimiter('end', close);
  context.charge(template.length);
  let pattern = '^';
  let end = 0;
  for (const [start, next] of delimited(template, open, close)) {
    const part = template.slice(start + 1, next - 1);
    // On its own, so that no part can close a group that it did not open.
    cachedRegex(context, `^${part}$`);
    pattern += `${quoteRegex(template.slice(end, start))}(${part})`;
    end = next;
  }
  return `${pattern}${quoteRegex(template.slice(end))}$`;
}

/** One byte in UTF-8, as in OPA. */
function requireDelimiter(which: string, delimiter: string): void {
  if (delimiter.length === 1 && delimiter <= '\u007f') return;
  throw new BuiltinError(`${which} delimiter has to be exactly one character long`);
}

/** Begin and end of each outermost delimited part. */
function delimited(template: string, open: string, close: string): readonly (readonly [number, number])[] {
  const parts: [number, number][] = [];
  let level = 0;
  let start = 0;
  for (let at = 0; at < template.length; at++) {
    if (template[at] === open) {
      level++;
      if (level === 1) start = at;
    } else if (template[at] === close) {
      level--;
      if (level === 0) parts.push([start, at + 1]);
    }
    if (level < 0) break;
  }
  if (level !== 0) throw new BuiltinError(`unbalanced delimiters in ${JSON.stringify(template)}`);
  return parts;
}
