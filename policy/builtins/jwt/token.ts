import { member } from '../../value/object.ts';
import { readJson } from '../../value/read-json.ts';
import { ValueTextError } from '../../value/read-text.ts';
import { isArray, isObject, type ObjectValue, type Value } from '../../value/value.ts';
import { bytesOfBase64Url } from '../encoding/base64.ts';
import { BuiltinError } from '../builtin.ts';
import { textMember } from './text-member.ts';

/** A token in the compact serialisation (RFC 7515 section 7.1); nothing in it has been verified. */
export type Token = {
  /** Header and payload are still encoded: what is not needed yet is not read. */
  readonly header: string;
  readonly payload: string;
  readonly signature: Buffer;
  /** What the signature is made over. */
  readonly signed: Buffer;
};

export type JoseHeader = {
  readonly alg: string;
  readonly kid: string;
  readonly cty: string;
  readonly crit: readonly string[];
};

/** Throws BuiltinError for what is no signed token. */
export function readToken(text: string): Token {
  const [header, payload, signature, ...rest] = text.split('.', 4);
  if (payload === undefined) throw new BuiltinError('encoded JWT had no period separators');
  if (header === undefined || signature === undefined || rest.length > 0) {
    throw new BuiltinError('encoded JWT must have 3 sections');
  }
  return {
    header,
    payload,
    signature: named('JWT signature', () => bytesOfBase64Url(signature)),
    signed: Buffer.from(`${header}.${payload}`),
  };
}

/** Throws BuiltinError. */
export function headerOf(token: Token): ObjectValue {
  const header = objectOfText('JWT header', textOfPart('JWT header', token.header));
  // RFC 7516 section 9: what has `enc` is encrypted, and not for us.
  if (member(header, 'enc') !== undefined) throw new BuiltinError('JWT is a JWE object, which is not supported');
  return header;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function textOfPart(what: string, encoded: string): string {
  const bytes = named(what, () => bytesOfBase64Url(encoded));
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new BuiltinError(`${what} is not UTF-8`, { cause });
  }
}

export function objectOfText(what: string, json: string): ObjectValue {
  const value = readOrUndefined(json);
  if (!isObject(value)) throw new BuiltinError(`${what} is no JSON object`);
  return value;
}

/** Undefined for what is not JSON. */
export function readOrUndefined(json: string): Value | undefined {
  try {
    return readJson(json);
  } catch (thrown) {
    if (thrown instanceof ValueTextError) return undefined;
    throw thrown;
  }
}

function named<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw cause instanceof BuiltinError ? new BuiltinError(`${what} had invalid encoding: ${cause.message}`) : cause;
  }
}

/** The registered parameters of a header. `jwk`, `jku`, `x5c` and `x5u` are not among them: a token names no key to trust. */
export function joseHeaderOf(header: ObjectValue): JoseHeader {
  textMember(header, 'typ', '');
  return {
    alg: textMember(header, 'alg', ''),
    kid: textMember(header, 'kid', ''),
    cty: textMember(header, 'cty', ''),
    crit: critIn(header),
  };
}

function critIn(header: ObjectValue): readonly string[] {
  const crit = member(header, 'crit');
  if (crit === undefined) return [];
  if (!isArray(crit)) throw new BuiltinError('crit: must be a list');
  const names = crit.filter((name) => typeof name === 'string');
  if (names.length !== crit.length) throw new BuiltinError('crit: must be a list of strings');
  if (names.length === 0) throw new BuiltinError('crit: must be a nonempty list');
  return names;
}
