/** An https URI of RFC 3986, less what has no place in one that names a resource: a user, and an encoded host. */
const form =
  /^https:\/\/([A-Za-z0-9.:[\]-]+)((?:\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?)(?:[?#][!-~]*)?$/i;

/**
 * Whether two URIs name one resource, whatever their query and fragment: compared after the normalisation of RFC 3986 section 6.2.2
 * and 6.2.3, as RFC 9449 section 4.3 wants.
 */
export function isSameResource(one: string, other: string): boolean {
  if (one === other) return true;
  const normal = normalised(one);
  return normal !== undefined && normal === normalised(other);
}

/** `URL` folds case, removes the default port and dot segments; triplets of a path it leaves as they are. */
function normalised(uri: string): string | undefined {
  const [, authority, path] = form.exec(uri) ?? [];
  if (authority === undefined) return undefined;
  const url = URL.parse(`https://${authority}${path}`);
  return url === null ? undefined : url.host + url.pathname.replaceAll(/%[0-9A-Fa-f]{2}/g, oneSpelling);
}

function oneSpelling(triplet: string): string {
  const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
  return /[A-Za-z0-9._~-]/.test(character) ? character : triplet.toUpperCase();
}
