import { bytesOf, textOf } from '../value/bytes.ts';
import { BuiltinError, type Builtins } from './builtin.ts';
import { text } from './operands.ts';

/** RFC 4648 section 4 with padding; line ends are skipped and stray bits of the last character ignored, as Go does. */
function isBase64(encoded: string): boolean {
  return encoded.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(encoded);
}

const withoutLineEnds = (encoded: string): string => encoded.replaceAll(/[\r\n]/g, '');

function decodeBase64(encoded: string): string {
  const joined = withoutLineEnds(encoded);
  if (!isBase64(joined)) throw new BuiltinError('illegal base64 data');
  return textOf(Buffer.from(joined, 'base64'));
}

/** The padding may be left out (RFC 7515 appendix C). */
function decodeBase64Url(encoded: string): string {
  const padding = encoded.endsWith('=') ? '' : '='.repeat((4 - (encoded.length % 4)) % 4);
  if (padding === '===' || /[+/]/.test(encoded)) throw new BuiltinError('illegal base64url data');
  return decodeBase64(`${encoded}${padding}`.replaceAll('-', '+').replaceAll('_', '/'));
}

const encodeBase64Url = (decoded: string): string => bytesOf(decoded).toString('base64url');

function padded(encoded: string): string {
  return encoded.padEnd(Math.ceil(encoded.length / 4) * 4, '=');
}

function decodeHex(encoded: string): string {
  if (encoded.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(encoded)) throw new BuiltinError('illegal hexadecimal data');
  return textOf(Buffer.from(encoded, 'hex'));
}

export const encodingBuiltins: Builtins = {
  'base64.encode': (_context, decoded) => bytesOf(text(decoded, 1)).toString('base64'),
  'base64.decode': (_context, encoded) => decodeBase64(text(encoded, 1)),
  'base64.is_valid': (_context, encoded) => typeof encoded === 'string' && isBase64(withoutLineEnds(encoded)),
  'base64url.encode': (_context, decoded) => padded(encodeBase64Url(text(decoded, 1))),
  'base64url.encode_no_pad': (_context, decoded) => encodeBase64Url(text(decoded, 1)),
  'base64url.decode': (_context, encoded) => decodeBase64Url(text(encoded, 1)),
  'hex.encode': (_context, decoded) => bytesOf(text(decoded, 1)).toString('hex'),
  'hex.decode': (_context, encoded) => decodeHex(text(encoded, 1)),
};
