import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { bytesOf } from '../../value/bytes.ts';
import type { Builtin, Builtins } from '../builtin.ts';
import { text } from '../operands.ts';

const digest =
  (algorithm: string): Builtin =>
  (_context, message) =>
    createHash(algorithm)
      .update(bytesOf(text(message, 1)))
      .digest('hex');

const hmac =
  (algorithm: string): Builtin =>
  (_context, message, key) =>
    createHmac(algorithm, bytesOf(text(key, 2)))
      .update(bytesOf(text(message, 1)))
      .digest('hex');

/** In a time that tells how long the two are, and nothing of what they have in common. */
const hmacEqual: Builtin = (_context, a, b) => {
  const [x, y] = [bytesOf(text(a, 1)), bytesOf(text(b, 2))];
  return x.length === y.length && timingSafeEqual(x, y);
};

export const cryptoBuiltins: Builtins = {
  'crypto.hmac.equal': hmacEqual,
  'crypto.hmac.md5': hmac('md5'),
  'crypto.hmac.sha1': hmac('sha1'),
  'crypto.hmac.sha256': hmac('sha256'),
  'crypto.hmac.sha512': hmac('sha512'),
  'crypto.md5': digest('md5'),
  'crypto.sha1': digest('sha1'),
  'crypto.sha256': digest('sha256'),
};
