/** Writes DER, and on purpose also what is none: for certificates that no library would make. */
export function tlv(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, { length: bytes }) => sum + bytes, 0);
  return Buffer.concat([Buffer.from([tag]), shortestLength(length), ...content]);
}

/** A length that takes more bytes than it needs: BER, but not DER (X.690 section 10.1). */
export function longLength(der: Uint8Array): Buffer {
  const { tag, content } = opened(der);
  return Buffer.concat([Buffer.from([tag, 0x83, 0, content.length >> 8, content.length & 255]), content]);
}

/** The indefinite form, ended by two zero bytes: BER, but not DER (X.690 section 10.1). */
export function indefiniteLength(der: Uint8Array): Buffer {
  const { tag, content } = opened(der);
  return Buffer.concat([Buffer.from([tag, 0x80]), content, Buffer.alloc(2)]);
}

export const sequence = (...content: readonly Uint8Array[]): Buffer => tlv(0x30, ...content);
export const set = (...content: readonly Uint8Array[]): Buffer => tlv(0x31, ...content);
export const hex = (text: string): Buffer => Buffer.from(text, 'hex');
/** Two's complement, as it is given. */
export const integer = (digits: string): Buffer => tlv(0x02, hex(digits));
export const boolean = (value: boolean): Buffer => tlv(0x01, Buffer.from([value ? 255 : 0]));
export const octetString = (content: Uint8Array): Buffer => tlv(0x04, content);
export const bitString = (content: Uint8Array, unusedBits = 0): Buffer => tlv(0x03, Buffer.from([unusedBits]), content);
export const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text));
/** [n], constructed. */
export const explicit = (number: number, ...content: readonly Uint8Array[]): Buffer => tlv(0xa0 | number, ...content);
/** [n], primitive; each character is one byte. */
export const tagged = (number: number, text: string): Buffer => tlv(0x80 | number, Buffer.from(text, 'latin1'));

export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(number: number): number[] {
  const digits = [number % 128];
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest % 128) | 128);
  return digits;
}

/** RFC 5280 section 4.1.2.5: UTCTime until 2049. */
export function time(atMs: number): Buffer {
  return utcTime(`${compact(atMs).slice(2)}`);
}

export const utcTime = (text: string): Buffer => tlv(0x17, Buffer.from(text));
export const generalizedTime = (text: string): Buffer => tlv(0x18, Buffer.from(text));

/** Such as `20260102030405Z`. */
export function compact(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replaceAll(/[-T:]/g, '')}Z`;
}

/** A name of one common name; an empty text makes the empty name. */
export function name(commonName: string): Buffer {
  return commonName === '' ? sequence() : sequence(set(sequence(oid('2.5.4.3'), utf8(commonName))));
}

function shortestLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  return length < 0x100 ? Buffer.from([0x81, length]) : Buffer.from([0x82, length >> 8, length & 255]);
}

/** The first element: its identifier octet and what is inside. */
function opened(der: Uint8Array): { readonly tag: number; readonly content: Uint8Array } {
  const [tag = 0, first = 0] = der;
  return { tag, content: der.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f)) };
}
