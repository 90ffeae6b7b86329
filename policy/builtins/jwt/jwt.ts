import { isObject, type Value } from '../../value/value.ts';
import { member } from '../../value/object.ts';
import { bytesOf } from '../../value/bytes.ts';
import { type Builtin, type BuiltinContext, BuiltinError, type Builtins } from '../builtin.ts';
import { algorithms, isSignedBy, signatureOf, withAnySalt } from './algorithm.ts';
import { meets, readConstraints } from './constraints.ts';
import { readJwkText, readSigningKey, readVerificationKeys } from './keys.ts';
import { secretOf } from './secret.ts';
import { headerOf, joseHeaderOf, objectOfText, readOrUndefined, readToken, textOfPart } from './token.ts';
import { isSignedByOne } from './verify.ts';
import { marshal } from '../json/json.ts';
import { object, text } from '../operands.ts';
import { withoutEnds } from '../strings/ends.ts';

/** Reads without verifying. A token in a token is unwrapped to the innermost; each is three quarters of the one around it. */
const decode: Builtin = (_context, encoded) => {
  let token = readToken(text(encoded, 1));
  let header = headerOf(token);
  let payload = textOfPart('JWT payload', token.payload);
  while (member(header, 'cty') === 'JWT') {
    // Some encoders quote the inner token, as a JSON string.
    token = readToken(withoutEnds(payload, isQuote, { left: true, right: true }));
    header = headerOf(token);
    payload = textOfPart('JWT payload', token.payload);
  }
  return [header, objectOfText('JWT payload', payload), token.signature.toString('hex')];
};

const isQuote = (char: string): boolean => char === '"' || char === "'";

/** The signature alone: what the token says, and whether it is still valid, is the policy's to judge. */
const verifyWithKeys =
  (name: string): Builtin =>
  (context, encoded, certificateOrJwks) => {
    const token = readToken(text(encoded, 1));
    const keys = readVerificationKeys(context, text(certificateOrJwks, 2)).filter(({ isPrivate }) => !isPrivate);
    const algorithm = algorithms.get(name);
    return (
      algorithm !== undefined &&
      isSignedByOne(context, token, joseHeaderOf(headerOf(token)), withAnySalt(algorithm), keys)
    );
  };

const verifyWithSecret =
  (name: string): Builtin =>
  (context, encoded, secret) => {
    const { signed, signature } = readToken(text(encoded, 1));
    const algorithm = algorithms.get(name);
    const key = secretOf(text(secret, 2));
    return algorithm !== undefined && key !== undefined && isSignedBy(context, algorithm, key, signed, signature);
  };

const unverified: Value = [false, {}, {}];

/** RFC 7519 section 7.2: verified from the outermost token inwards; the claims of the innermost count. */
const decodeVerify: Builtin = (context, encoded, wanted) => {
  const constraints = readConstraints(context, object(wanted, 2));
  for (let current = text(encoded, 1); ; ) {
    const token = readToken(current);
    const parameters = headerOf(token);
    const header = joseHeaderOf(parameters);
    const algorithm = algorithms.get(header.alg);
    // RFC 7515 section 4.1.11: extensions that must be understood, and none is.
    if (algorithm === undefined || header.crit.length > 0) return unverified;
    if (constraints.alg !== '' && constraints.alg !== header.alg) return unverified;
    if (!isSignedByOne(context, token, header, algorithm, constraints.keys)) return unverified;
    current = textOfPart('JWT payload', token.payload);
    if (header.cty.toUpperCase() === 'JWT') continue;
    const claims = objectOfText('JWT payload', current);
    return meets(claims, constraints) ? [true, parameters, claims] : unverified;
  }
};

const encodeSign: Builtin = (context, header, payload, key) =>
  encoded(context, marshal(object(header, 1)), marshal(object(payload, 2)), object(key, 3));

const encodeSignRaw: Builtin = (context, header, payload, key) =>
  encoded(context, text(header, 1), text(payload, 2), readJwkText(text(key, 3)));

function encoded(context: BuiltinContext, header: string, payload: string, key: Value): string {
  const parameters = readOrUndefined(header);
  const alg = isObject(parameters) ? member(parameters, 'alg') : undefined;
  if (!isObject(parameters) || typeof alg !== 'string') throw new BuiltinError("missing or invalid 'alg' header");
  const typ = member(parameters, 'typ');
  if ((typeof typ !== 'string' || typ === 'JWT') && readOrUndefined(payload) === undefined) {
    throw new BuiltinError('type is JWT but payload is not JSON');
  }
  const signed = `${bytesOf(header).toString('base64url')}.${bytesOf(payload).toString('base64url')}`;
  const signature = signatureOf(context, alg, readSigningKey(context, key), Buffer.from(signed));
  return `${signed}.${signature.toString('base64url')}`;
}

const withKeys = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const withSecret = ['HS256', 'HS384', 'HS512'];

const entries = (names: readonly string[], builtin: (name: string) => Builtin): [string, Builtin][] =>
  names.map((name) => [`io.jwt.verify_${name.toLowerCase()}`, builtin(name)]);

export const jwtBuiltins: Builtins = {
  'io.jwt.decode': decode,
  'io.jwt.decode_verify': decodeVerify,
  'io.jwt.encode_sign': encodeSign,
  'io.jwt.encode_sign_raw': encodeSignRaw,
  ...Object.fromEntries([...entries(withKeys, verifyWithKeys), ...entries(withSecret, verifyWithSecret)]),
};
