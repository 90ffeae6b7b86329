import { type Denial, isDenial } from '../denial.ts';
import { isJsonObject, type JsonObject, own } from '../../policy/json/json-object.ts';
import { malformed, unsupported } from './refuse.ts';

/** The registered claims (RFC 7519 section 4.1) of the types that they must have, and all of them as they were read. */
export type Claims = {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: readonly string[];
  readonly expiresMs: number;
  readonly issuedMs: number;
  readonly notBeforeMs: number | undefined;
  readonly tokenId: string | undefined;
  /** SHA-256 of the only client certificate that may show the token, base64url (RFC 8705 section 3.1). */
  readonly certificateSha256: string | undefined;
  /** SHA-256 of the only key with whose proof the token may be shown, base64url (RFC 9449 section 6.1). */
  readonly keyThumbprint: string | undefined;
  readonly all: JsonObject;
};

/** OpenID Connect Core section 2 gives a subject 255 characters; who needs more gives no name of a person. */
const maxLength = 255;
/** The end of the year 9999, seconds: beyond it no date can be written. */
const lastSecond = 253_402_300_799;

/**
 * A claim of a wrong type is no claim that is missing: a token whose `exp` is text would never expire for a reader that
 * skips it. `iss`, `sub`, `aud`, `exp` and `iat` are required (RFC 9068 section 2.2).
 */
export function readClaims(all: JsonObject): Claims | Denial {
  const [issuer, subject, tokenId] = [own(all, 'iss'), own(all, 'sub'), own(all, 'jti')];
  if (!isName(issuer)) return claimIsWrong('iss');
  if (!isName(subject)) return claimIsWrong('sub');
  if (tokenId !== undefined && !isName(tokenId)) return claimIsWrong('jti');
  const aud = own(all, 'aud');
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (audience.length === 0 || !audience.every((one) => typeof one === 'string')) return claimIsWrong('aud');
  const [expires, issued, notBefore] = [own(all, 'exp'), own(all, 'iat'), own(all, 'nbf')];
  if (!isTime(expires)) return claimIsWrong('exp');
  if (!isTime(issued)) return claimIsWrong('iat');
  if (notBefore !== undefined && !isTime(notBefore)) return claimIsWrong('nbf');
  const confirmation = readConfirmation(own(all, 'cnf'));
  if (isDenial(confirmation)) return confirmation;
  return {
    issuer,
    subject,
    audience,
    expiresMs: expires * 1000,
    issuedMs: issued * 1000,
    notBeforeMs: notBefore === undefined ? undefined : notBefore * 1000,
    tokenId,
    certificateSha256: confirmation.certificateSha256,
    keyThumbprint: confirmation.keyThumbprint,
    all,
  };
}

export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxLength;
}

export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= lastSecond;
}

function claimIsWrong(name: string): Denial {
  return malformed(`\`${name}\` is missing or not of its type`);
}

type Confirmation = { readonly certificateSha256?: string | undefined; readonly keyThumbprint?: string | undefined };

/** A token that is bound to something we cannot check (RFC 7800) would be served to whoever has stolen it. */
function readConfirmation(confirmation: unknown): Confirmation | Denial {
  if (confirmation === undefined) return {};
  if (!isJsonObject(confirmation)) return claimIsWrong('cnf');
  const methods = Object.keys(confirmation);
  if (methods.some((name) => name !== 'x5t#S256' && name !== 'jkt')) {
    return unsupported('a token bound to something unknown');
  }
  const [certificateSha256, keyThumbprint] = [own(confirmation, 'x5t#S256'), own(confirmation, 'jkt')];
  if (methods.length === 0 || !isDigestIfAny(certificateSha256) || !isDigestIfAny(keyThumbprint)) {
    return claimIsWrong('cnf');
  }
  return { certificateSha256, keyThumbprint };
}

function isDigestIfAny(digest: unknown): digest is string | undefined {
  return digest === undefined || (typeof digest === 'string' && /^[A-Za-z0-9_-]{43}$/.test(digest));
}
