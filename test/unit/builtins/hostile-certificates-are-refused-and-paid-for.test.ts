import fc from 'fast-check';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { readWhole } from '../../../policy/builtins/x509/der.ts';
import { factsOf, readExtensions } from '../../../policy/builtins/x509/extensions.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import { call, callWith, context, stepsOf } from './call.ts';
import { intermediatePem, nameConstraint, pki, rootPem } from './pki-of-a-policy.ts';

const der = Buffer.from(rootPem.replaceAll(/-----[^-]*-----|\s/g, ''), 'base64');
const parse = (bytes: Uint8Array) => call('crypto.x509.parse_certificates', Buffer.from(bytes).toString('base64'));

/** What it answers, or that it failed as a built-in fails; anything else is thrown on. */
function outcomeOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (thrown) {
    if (thrown instanceof BuiltinError) return 'failed';
    throw thrown;
  }
}

test('a certificate that ends early is none, wherever it ends', async (t) => {
  for (let length = 1; length < der.length; length++) t.throws(() => parse(der.subarray(0, length)), BuiltinError);
  t.throws(() => parse(Buffer.concat([der, Buffer.of(0)])), BuiltinError);
});

test('bytes that are changed are refused or read, and nothing else happens', async () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(der.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
      const changed = Buffer.from(der);
      for (const [at, byte] of changes) changed[at] = byte;
      const value = outcomeOf(() => parse(changed));
      return value === 'failed' || Array.isArray(value);
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64');
      for (const name of ['parse_certificates', 'parse_certificate_request', 'parse_rsa_private_key']) {
        outcomeOf(() => call(`crypto.x509.${name}`, text));
      }
    }),
    { numRuns: 300 },
  );
});

test('lengths that are longer than needed, indefinite, or beyond the end are refused', async (t) => {
  const body = der.subarray(4);
  const long = Buffer.concat([Buffer.of(0x30, 0x83, 0, der[2] ?? 0, der[3] ?? 0), body]);
  const indefinite = Buffer.concat([Buffer.of(0x30, 0x80), body, Buffer.of(0, 0)]);
  const beyond = Buffer.concat([Buffer.of(0x30, 0x84, 0x7f, 0xff, 0xff, 0xff), body]);
  for (const bytes of [long, indefinite, beyond]) t.throws(() => parse(bytes), BuiltinError);
  t.throws(() => parse(Buffer.alloc(100_000, Buffer.of(0x30, 0x80))), BuiltinError, 'as deep as it is long');
});

test('extensions that are absurd are refused', async (t) => {
  for (const [id, value] of [
    ['2.5.29.15', Buffer.of(3, 2, 9, 0)],
    ['2.5.29.17', Buffer.of(0x30, 3, 0x87, 1, 1)],
    ['2.5.29.17', Buffer.from([0x30, 4, 0x82, 2, 0xc3, 0xa9])],
    ['2.5.29.19', Buffer.from('300b0101ff020601000000ffff', 'hex')],
    ['2.5.29.30', Buffer.of(0x30, 0)],
    ['2.5.29.30', nameConstraint('permitted', 0x82, 'a..test')],
    ['2.5.29.31', Buffer.of(5, 0)],
    ['2.5.29.32', Buffer.from('300a30030601293003060129', 'hex')],
    ['2.5.29.35', Buffer.of(0x30, 0)],
    ['2.5.29.54', Buffer.from('0209010000000000000000', 'hex')],
    ['1.3.6.1.5.5.7.1.1', Buffer.of(0x30, 0)],
    ['2.5.29.37', Buffer.alloc(0)],
  ] as const) {
    t.throws(() => factsOf([{ id, isCritical: true, value }]), BuiltinError, id);
  }
  const one = Buffer.from('300806022a0304020500', 'hex');
  const list = (...items: Buffer[]) => readWhole(Buffer.concat([Buffer.of(0x30, items.length * one.length), ...items]));
  t.same(readExtensions(list(one)), [{ id: '1.2.3', isCritical: false, value: Buffer.of(5, 0) }]);
  t.throws(() => readExtensions(list(one, one)), BuiltinError, 'twice');
});

test('a thousand certificates cost a thousand times one, and end with the budget', async (t) => {
  const one = stepsOf('crypto.x509.parse_certificates', rootPem);
  t.ok(one >= 5_000);
  const thousand = rootPem.repeat(1000);
  let left = 200_000;
  const charge = (steps: number) => {
    left -= steps;
    if (left < 0) throw new EvaluationError('the budget is used up');
  };
  for (const name of ['parse_certificates', 'parse_and_verify_certificates']) {
    left = 200_000;
    t.throws(() => callWith(context({ charge }), `crypto.x509.${name}`, thousand), EvaluationError);
  }
});

test('intermediates that all fit are not tried in every order', async (t) => {
  const { certPem } = await pki.issue({ presented: [] });
  const many = rootPem + intermediatePem.repeat(50) + certPem;
  t.match(call('crypto.x509.parse_and_verify_certificates', many), [true, { length: 3 }]);
});
