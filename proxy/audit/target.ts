/**
 * The record names the target exactly as it was forwarded, byte for byte, and it never holds a credential. Where a
 * client puts one into the URL (RFC 6750 section 2.3 warns of just that) both cannot be: then its value, and only its
 * value, becomes `***` and the record counts it in `masked`. No digest takes its place: the digest of a guessable
 * secret is the secret.
 */
export type MaskedTarget = { readonly text: string; readonly masked: number };

/** Names of query parameters whose values are credentials, lower case, without `-` and `_`. */
export const credentialParameters: ReadonlySet<string> = new Set(
  `accesstoken refreshtoken idtoken token authtoken bearertoken sessiontoken securitytoken csrftoken xsrftoken resettoken
   password passwd pwd pass passphrase newpassword oldpassword secret clientsecret apikey xapikey apisecret accesskey
   secretkey privatekey jwt assertion clientassertion samlresponse samlrequest code codeverifier devicecode otp totp pin
   sig signature xamzsignature xamzsecuritytoken xamzcredential xgoogsignature xgoogcredential awsaccesskeyid
   auth authorization credential credentials session sessionid sid jsessionid phpsessid ticket`.split(/\s+/),
);

export function maskTarget(raw: string): MaskedTarget {
  const { text: target, masked: userinfo } = maskUserinfo(raw);
  const start = target.indexOf('?');
  if (start === -1) return { text: target, masked: userinfo };
  let masked = userinfo;
  // Some workloads split at ';' too (the rule of HTML 4), and a credential behind one is a credential.
  const query = target.slice(start + 1).replace(/[^&;]+/g, (pair) => {
    const equals = pair.indexOf('=');
    if (equals === -1 || equals === pair.length - 1 || !isCredential(pair.slice(0, equals))) return pair;
    masked += 1;
    return `${pair.slice(0, equals)}=***`;
  });
  return { text: masked === userinfo ? target : `${target.slice(0, start)}?${query}`, masked };
}

/** `user:password@` in an absolute-form target or a Host; both are refused, and recorded nevertheless. */
function maskUserinfo(raw: string): MaskedTarget {
  if (raw.startsWith('/') || !raw.includes('@')) return { text: raw, masked: 0 };
  const text = raw.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)?[^/?#]*@/, '$1***@');
  return { text, masked: text === raw ? 0 : 1 };
}

/** `user[password]` and `login.password` count as `password`, as frameworks with nested parameters read them. */
function isCredential(name: string): boolean {
  if (/^[a-z0-9]*$/.test(name)) return credentialParameters.has(name);
  const plain = percentDecoded(name).toLowerCase();
  return plain.split(/[[\].]+/).some((part) => credentialParameters.has(part.replace(/[-_\s+]/g, '')));
}

function percentDecoded(name: string): string {
  return name.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
