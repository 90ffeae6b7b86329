import { test } from 'tap';
import { BuiltinError, type BuiltinContext } from '../../../policy/builtins/builtin.ts';
import { findBuiltin } from '../../../policy/builtins/registry.ts';
import type { Value } from '../../../policy/value/value.ts';

const context: BuiltinContext = { unixMs: undefined, charge: () => undefined };
const call = (name: string, ...operands: Value[]) => findBuiltin(name)?.(context, ...operands);

test('digests of strings beyond ASCII are of their UTF-8', async (t) => {
  t.equal(call('crypto.md5', 'ü'), 'c03410a5204b21cd8229ff754688d743');
  t.equal(call('crypto.sha1', ''), 'da39a3ee5e6b4b0d3255bfef95601890afd80709');
  t.equal(call('crypto.sha256', 'abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test('two strings that differ only in a byte that is no UTF-8 have two digests', async (t) => {
  // The byte 0xff and 0xfe, as base64.decode gives them.
  t.not(call('crypto.sha256', '\udcff'), call('crypto.sha256', '\udcfe'));
  t.equal(call('crypto.hmac.equal', '\udcff', '\udcfe'), false);
});

test('the message comes before the key', async (t) => {
  // RFC 4231, test case 2.
  const mac = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
  t.equal(call('crypto.hmac.sha256', 'what do ya want for nothing?', 'Jefe'), mac);
});

test('equality is of the whole, for any two lengths', async (t) => {
  t.equal(call('crypto.hmac.equal', 'abc', 'abc'), true);
  for (const other of ['', 'ab', 'abcd', 'abd']) t.equal(call('crypto.hmac.equal', 'abc', other), false);
});

test('what is no string is refused', async (t) => {
  for (const operand of [1, null, ['a'], {}]) {
    t.throws(() => call('crypto.sha256', operand), BuiltinError);
    t.throws(() => call('crypto.hmac.equal', 'a', operand), BuiltinError);
  }
});
