/** Header blocks of RFC 7541 as the tests write and read them: literals without a table or Huffman code, and the static table. */

export type Field = readonly [name: string, value: string];

/** Names and values of appendix A, one entry a line. */
const staticTable: readonly Field[] = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`
  .split('\n')
  .map((line) => [line.split(' ')[0] ?? '', line.split(' ').slice(1).join(' ')]);

/** An integer with a prefix of so many bits (section 5.1), the bits before it given. */
export function prefixed(value: number, bits: number, before = 0): Buffer {
  const largest = 2 ** bits - 1;
  if (value < largest) return Buffer.from([before | value]);
  const bytes = [before | largest];
  let rest = value - largest;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

export const literalText = (text: string): Buffer =>
  Buffer.concat([prefixed(text.length, 7), Buffer.from(text, 'latin1')]);

/** Literal without indexing, new name (section 6.2.2), one byte per character. */
export const literalField = ([name, value]: Field): Buffer =>
  Buffer.concat([Buffer.from([0]), literalText(name), literalText(value)]);

/** Literal with incremental indexing, new name (section 6.2.1): what grows the dynamic table. */
export const indexedLiteral = ([name, value]: Field): Buffer =>
  Buffer.concat([Buffer.from([0x40]), literalText(name), literalText(value)]);

/** A field of either table (section 6.1); the newest of the dynamic table is 62. */
export const indexed = (index: number): Buffer => prefixed(index, 7, 0x80);

export const fieldBlock = (fields: readonly Field[]): Buffer => Buffer.concat(fields.map(literalField));

/** Reads a block of the proxy, which promises neither dynamic table nor Huffman code; throws where it does not keep that. */
export function readBlock(block: Buffer): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const integer = (bits: number): number => {
    const largest = 2 ** bits - 1;
    let value = block.readUInt8(at) & largest;
    at += 1;
    if (value < largest) return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = block.readUInt8(at);
      at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  const text = (): string => {
    if ((block.readUInt8(at) & 0x80) !== 0) throw new Error('a Huffman code in an answer');
    const length = integer(7);
    at += length;
    if (at > block.length) throw new Error('an answer whose text is longer than its block');
    return block.toString('latin1', at - length, at);
  };
  const fromTable = (index: number): Field => {
    const field = staticTable[index - 1];
    if (field === undefined) throw new Error(`index ${index} in an answer`);
    return field;
  };
  while (at < block.length) {
    const first = block.readUInt8(at);
    if ((first & 0x80) !== 0) {
      fields.push(fromTable(integer(7)));
      continue;
    }
    // A table of no bytes may be asked for: that is the promise (section 6.3).
    if (first === 0x20 && fields.length === 0) {
      at += 1;
      continue;
    }
    if ((first & 0xe0) !== 0) throw new Error('an answer that uses a dynamic table');
    const index = integer(4);
    const name = index === 0 ? text() : fromTable(index)[0];
    fields.push([name, text()]);
  }
  return fields;
}
