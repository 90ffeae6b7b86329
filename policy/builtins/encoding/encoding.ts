import { bytesOf, textOf } from '../../value/bytes.ts';
import { bytesOfBase64, bytesOfBase64Url } from './base64.ts';
import { attempt, BuiltinError, type Builtins } from '../builtin.ts';
import { text } from '../operands.ts';

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
  'base64.decode': (_context, encoded) => textOf(bytesOfBase64(text(encoded, 1))),
  'base64.is_valid': (_context, encoded) =>
    typeof encoded === 'string' && attempt(() => bytesOfBase64(encoded)) !== undefined,
  'base64url.encode': (_context, decoded) => padded(encodeBase64Url(text(decoded, 1))),
  'base64url.encode_no_pad': (_context, decoded) => encodeBase64Url(text(decoded, 1)),
  'base64url.decode': (_context, encoded) => textOf(bytesOfBase64Url(text(encoded, 1))),
  'hex.encode': (_context, decoded) => bytesOf(text(decoded, 1)).toString('hex'),
  'hex.decode': (_context, encoded) => decodeHex(text(encoded, 1)),
};
