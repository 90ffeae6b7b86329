import fc from 'fast-check';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { bytesOf, textOf } from '../../../policy/value/bytes.ts';
import { call } from './call.ts';

test('any bytes become a string and come back', async (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      (bytes) => Buffer.compare(bytesOf(textOf(Buffer.from(bytes))), bytes) === 0,
    ),
  );
  const units = fc.array(fc.constantFrom('a', 'é', '\u20ac', '\u{1f600}', '\0', '\ufffd'));
  fc.assert(fc.property(units, (parts) => textOf(bytesOf(parts.join(''))) === parts.join('')));
  t.equal(textOf(Buffer.from([0x61, 0xff, 0xe2, 0x82, 0xac])), 'a\udcff\u20ac');
});

test('keys and tokens that differ only in bytes that are no UTF-8 stay different', async (t) => {
  t.not(call('base64.decode', '//4='), call('base64.decode', '/f4='));
  t.equal(call('hex.encode', call('base64.decode', '//79') ?? ''), 'fffefd');
  t.equal(call('base64.encode', call('hex.decode', 'C3A9FF') ?? ''), 'w6n/');
  t.equal(call('urlquery.encode', call('urlquery.decode', '%ff%c3%a9') ?? ''), '%FF%C3%A9');
});

test('half a surrogate pair is U+FFFD to whoever reads bytes', async (t) => {
  t.equal(call('hex.encode', '\ud800'), 'efbfbd');
  t.equal(call('hex.encode', '\u{1f600}'), 'f09f9880');
});

test('base64 is padded, base64url need not be, and line ends are skipped', async (t) => {
  t.equal(call('base64.decode', 'aGVs\r\nbG8='), 'hello');
  t.equal(call('base64url.decode', 'aGVsbG8'), 'hello');
  t.equal(call('base64url.encode', '?>'), 'Pz4=');
  t.equal(call('base64url.encode_no_pad', '?>'), 'Pz4');
  for (const bad of ['aGVsbG8', 'a', '====', 'a-b_', 'aGVs bG8=', 'é===']) {
    t.throws(() => call('base64.decode', bad), BuiltinError, bad);
    t.equal(call('base64.is_valid', bad), false);
  }
  t.throws(() => call('base64url.decode', 'ab+/'), BuiltinError);
  t.throws(() => call('hex.decode', 'abc'), BuiltinError);
  t.throws(() => call('hex.decode', 'zz'), BuiltinError);
  t.equal(call('base64.is_valid', 1), false);
  t.throws(() => call('base64.encode', 1), BuiltinError);
});

test('a megabyte is no more than a megabyte', async (t) => {
  const large = 'é'.repeat(500_000);
  t.equal(call('base64.decode', call('base64.encode', large) ?? ''), large);
  const spaced = 'word '.repeat(200_000);
  t.equal(call('urlquery.decode', call('urlquery.encode', spaced) ?? ''), spaced);
  t.equal((call('hex.decode', 'ff'.repeat(500_000)) as string).length, 500_000);
});
