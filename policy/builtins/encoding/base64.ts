import { BuiltinError } from '../builtin.ts';

/** RFC 4648 section 4 with padding. Line ends are skipped and stray bits of the last character ignored, as Go does. */
export function bytesOfBase64(encoded: string): Buffer {
  const joined = encoded.replaceAll(/[\r\n]/g, '');
  if (joined.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(joined)) throw new BuiltinError('illegal base64 data');
  return Buffer.from(joined, 'base64');
}

/** RFC 7515 appendix C, and with padding too. */
export function bytesOfBase64Url(encoded: string): Buffer {
  const padding = encoded.endsWith('=') ? '' : '='.repeat((4 - (encoded.length % 4)) % 4);
  if (padding === '===' || /[+/]/.test(encoded)) throw new BuiltinError('illegal base64url data');
  return bytesOfBase64(`${encoded}${padding}`.replaceAll('-', '+').replaceAll('_', '/'));
}
