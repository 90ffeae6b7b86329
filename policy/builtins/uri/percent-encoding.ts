import { bytesOf, textOf } from '../../value/bytes.ts';
import { BuiltinError } from '../builtin.ts';

/** Replaces every byte that `plain` does not match by `%XX` (RFC 3986 section 2.1). */
export function percentEncode(decoded: string, plain: RegExp): string {
  const bytes = bytesOf(decoded).toString('latin1');
  return bytes.replaceAll(/[^A-Za-z0-9]/g, (byte) =>
    plain.test(byte) ? byte : (escapes[byte.charCodeAt(0)] as string),
  );
}

/** `%00` to `%FF`. */
const escapes: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
);

/** What `%XX` stands for; bytes that are no UTF-8 stay what they are. Throws BuiltinError for a stray `%`. */
export function percentDecode(encoded: string): string {
  if (!encoded.includes('%')) return encoded;
  if (/%(?![0-9a-fA-F]{2})/.test(encoded)) throw new BuiltinError('invalid URL escape');
  const bytes = bytesOf(encoded).toString('latin1');
  const decoded = bytes.replaceAll(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return textOf(Buffer.from(decoded, 'latin1'));
}
