/** RFC 7541 Appendix A: names in the order of their indices, each with the values that it has there. */
const entries: readonly (readonly [name: string, ...values: readonly string[]])[] = [
  [':authority', ''],
  [':method', 'GET', 'POST'],
  [':path', '/', '/index.html'],
  [':scheme', 'http', 'https'],
  [':status', '200', '204', '206', '304', '400', '404', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

const fields = entries.flatMap(([name, ...values]) => values.map((value) => ({ name, value })));

/** By index, which begins at 1: nothing is at 0. */
export const staticNames: readonly string[] = ['', ...fields.map(({ name }) => name)];
export const staticValues: readonly string[] = ['', ...fields.map(({ value }) => value)];
export const lastStaticIndex = fields.length;

export type StaticName = { readonly index: number; readonly values: ReadonlyMap<string, number> };

/** What has a name in the table: the first index of the name, and the index of each value with it. */
export const staticIndices: ReadonlyMap<string, StaticName> = new Map(
  entries.map(([name, ...values]) => {
    const index = staticNames.indexOf(name, 1);
    return [name, { index, values: new Map(values.map((value, offset) => [value, index + offset])) }];
  }),
);
