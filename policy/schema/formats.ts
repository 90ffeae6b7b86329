import { isJsonObject } from '../json/json-object.ts';
import { compileLinearPattern } from './linear-pattern.ts';

export type FormatCheck =
  | { readonly type: 'string'; readonly validate: (text: string) => boolean }
  | { readonly type: 'number'; readonly validate: (value: number) => boolean };

type TextCheck = (text: string) => boolean;

type ShortFormat = 'date' | 'time' | 'date-time' | 'duration' | 'email' | 'hostname' | 'ipv4' | 'ipv6' | 'uuid';
type LongFormat =
  | 'uri-reference'
  | 'uri-template'
  | 'json-pointer'
  | 'json-pointer-uri-fragment'
  | 'relative-json-pointer';

/** Where ajv-formats keeps the definition of a format. */
export type FormatSource = (name: ShortFormat | LongFormat, mode: 'fast' | 'full') => unknown;

/**
 * The formats a schema may use, after the definitions of ajv-formats. Those for short texts run as they are behind a
 * length limit, which bounds what backtracking can cost; those for long texts run on the linear engine. Left out:
 * `url` and the full `email` (super-linear), `regex` (compiles what the sender wrote), `byte` of ajv-formats (its `m`
 * flag lets any text pass that has one good line), and those that check nothing, such as `password`.
 */
export function linearFormats(source: FormatSource): ReadonlyMap<string, FormatCheck> {
  const short = (name: ShortFormat, maxLength: number, mode: 'fast' | 'full' = 'full') =>
    text(atMost(maxLength, source(name, mode)));
  const long = (name: LongFormat) => text(onLinearEngine(source(name, 'full')));
  return new Map<string, FormatCheck>([
    ['date', short('date', 10)],
    ['time', short('time', 64)],
    ['date-time', short('date-time', 80)],
    ['duration', short('duration', 128)],
    ['email', short('email', 320, 'fast')],
    ['hostname', short('hostname', 254)],
    ['ipv4', short('ipv4', 15)],
    ['ipv6', short('ipv6', 45)],
    // RFC 9562: no room for the `urn:uuid:` that ajv-formats lets stand in front.
    ['uuid', short('uuid', 36)],
    ['uri', text(startsWithScheme(onLinearEngine(source('uri-reference', 'full'))))],
    ['uri-reference', long('uri-reference')],
    ['uri-template', long('uri-template')],
    ['json-pointer', long('json-pointer')],
    ['json-pointer-uri-fragment', long('json-pointer-uri-fragment')],
    ['relative-json-pointer', long('relative-json-pointer')],
    ['byte', text(lazily('^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'))],
    ['int32', { type: 'number', validate: (value) => value === (value | 0) }],
    ['int64', { type: 'number', validate: Number.isSafeInteger }],
  ]);
}

function text(validate: TextCheck): FormatCheck {
  return { type: 'string', validate };
}

/** The definition of ajv-formats, for texts of at most `maxLength` UTF-16 units. */
function atMost(maxLength: number, definition: unknown): TextCheck {
  const check = isJsonObject(definition) && 'validate' in definition ? definition['validate'] : definition;
  if (check instanceof RegExp) return (value) => value.length <= maxLength && check.test(value);
  if (typeof check !== 'function') throw new TypeError('ajv-formats has changed what defines a format');
  return (value) => value.length <= maxLength && Boolean((check as TextCheck)(value));
}

/** The pattern of ajv-formats on the linear engine. Its `i` flag only ever concerns ranges of ASCII letters. */
function onLinearEngine(definition: unknown): TextCheck {
  if (!(definition instanceof RegExp)) throw new TypeError('ajv-formats has changed what defines a format');
  const { source, ignoreCase } = definition;
  return lazily(ignoreCase ? source.replaceAll('a-z', 'a-zA-Z').replaceAll('a-f', 'a-fA-F') : source);
}

/** RFC 3986 section 4.3: what tells a URI from a reference. */
function startsWithScheme(isReference: TextCheck): TextCheck {
  return (value) => /^[a-z][a-z0-9+.-]*:/i.test(value) && isReference(value);
}

/** Compiled when first used: a data thread pays for no format that its schemas do not name. */
function lazily(pattern: string): TextCheck {
  let compiled: TextCheck | undefined;
  return (value) => {
    compiled ??= compileLinearPattern(withUnicodeEscapes(pattern)).test;
    return compiled(value);
  };
}

/** Escapes that are pointless and that the `u` flag therefore refuses, such as `\-` outside a class. */
function withUnicodeEscapes(pattern: string): string {
  return pattern.replace(/\\([-_~!'"%&,:;<=>@`#])/g, (_, c: string) => `\\x${c.charCodeAt(0).toString(16)}`);
}
