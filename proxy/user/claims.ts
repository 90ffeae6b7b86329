import type { Denial } from '../denial.ts';
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
  const confirmation = own(all, 'cnf');
  const certificateSha256 = readConfirmation(confirmation);
  if (typeof certificateSha256 === 'object') return certificateSha256;
  return {
    issuer,
    subject,
    audience,
    expiresMs: expires * 1000,
    issuedMs: issued * 1000,
    notBeforeMs: notBefore === undefined ? undefined : notBefore * 1000,
    tokenId,
    certificateSha256,
    all,
  };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxLength;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= lastSecond;
}

function claimIsWrong(name: string): Denial {
  return malformed(`\`${name}\` is missing or not of its type`);
}

/** A token that is bound to something we cannot check (RFC 7800, RFC 9449) would be served to whoever has stolen it. */
function readConfirmation(confirmation: unknown): string | undefined | Denial {
  if (confirmation === undefined) return undefined;
  if (!isJsonObject(confirmation)) return claimIsWrong('cnf');
  const methods = Object.keys(confirmation);
  const other = methods.find((name) => name !== 'x5t#S256');
  if (other !== undefined) {
    return unsupported(
      other === 'jkt' ? 'a token bound to a DPoP key (RFC 9449)' : 'a token bound to something unknown',
    );
  }
  const digest = own(confirmation, 'x5t#S256');
  return typeof digest === 'string' && /^[A-Za-z0-9_-]{43}$/.test(digest) ? digest : claimIsWrong('cnf');
}
