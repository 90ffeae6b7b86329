/** RFC 9110 section 6.5.1: never in a trailer. llhttp, for one, lets `Connection: close` in a trailer end the connection. */
const notInTrailers: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** @param name lower case */
export function mayBeInTrailer(name: string): boolean {
  return !notInTrailers.has(name);
}
