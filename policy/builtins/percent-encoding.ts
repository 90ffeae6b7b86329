import { bytesOf, textOf } from '../value/bytes.ts';
import { BuiltinError } from './builtin.ts';

/** Replaces every byte that `plain` does not match by `%XX` (RFC 3986 section 2.1). */
export function percentEncode(decoded: string, plain: RegExp): string {
  const bytes = bytesOf(decoded).toString('latin1');
  return bytes.replaceAll(/[^A-Za-z0-9]/g, (byte) => (plain.test(byte) ? byte : percent(byte)));
}

function percent(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** What `%XX` stands for; bytes that are no UTF-8 stay what they are. Throws BuiltinError for a stray `%`. */
export function percentDecode(encoded: string): string {
  if (!encoded.includes('%')) return encoded;
  if (/%(?![0-9a-fA-F]{2})/.test(encoded)) throw new BuiltinError('invalid URL escape');
  const bytes = bytesOf(encoded).toString('latin1');
  const decoded = bytes.replaceAll(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return textOf(Buffer.from(decoded, 'latin1'));
}
