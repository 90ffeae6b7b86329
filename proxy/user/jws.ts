import { isJsonObject, type JsonObject } from '../../policy/json/json-object.ts';
import { readStrictJson } from '../../policy/json/strict-json.ts';

/** Header and payload of the compact serialisation (RFC 7515 section 7.1), read; nothing in it has been verified. */
export type Jws = { readonly header: JsonObject; readonly payload: JsonObject };

const maxDepth = 16;

/** Text says why it is none. */
export function readJws(text: string): Jws | string {
  const [first, second, signature, more] = text.split('.');
  if (first === undefined || second === undefined || signature === undefined || more !== undefined) {
    return 'not three parts with a period between each two';
  }
  const header = readPart('header', first);
  if (typeof header === 'string') return header;
  const payload = readPart('payload', second);
  if (typeof payload === 'string') return payload;
  return decode(signature) === undefined ? 'the signature is not base64url' : { header, payload };
}

/**
 * What changes the meaning of the rest. RFC 7515 section 4.1.11: who does not understand an extension that is critical refuses, and
 * we understand none. RFC 7797: without base64url the signed bytes are others than we read. `enc` is of an encrypted message.
 */
const extensions = ['crit', 'b64', 'enc'];

/** Keys that a message names or brings along: an attacker would bring his own (RFC 8725 section 3.10). */
const foreignKeys = ['jku', 'x5u', 'x5c'];

/** The first parameter of a header that nobody here may act on. */
export function refusedParameter(header: JsonObject): string | undefined {
  return [...extensions, ...foreignKeys].find((name) => Object.hasOwn(header, name));
}

function readPart(what: string, encoded: string): JsonObject | string {
  const bytes = decode(encoded);
  if (bytes === undefined) return `the ${what} is not base64url`;
  // With a member twice, one reader of the token takes the first and another the last (RFC 8725 section 2.4 and 3.7).
  const reading = readStrictJson(bytes, { maxDepth });
  if (!reading.ok) return `the ${what} is not acceptable JSON: ${reading.problem.code}`;
  return isJsonObject(reading.value) ? reading.value : `the ${what} is no JSON object`;
}

/** One text for the same bytes: no padding, no foreign characters, no bits left over at the end. */
function decode(encoded: string): Buffer | undefined {
  const bytes = Buffer.from(encoded, 'base64url');
  return encoded !== '' && bytes.toString('base64url') === encoded ? bytes : undefined;
}
