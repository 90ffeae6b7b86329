import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import type { Value } from '../../../policy/value/value.ts';
import { budget, call, callWith } from './call.ts';
import { chainPem } from './pki-of-a-policy.ts';

/*
 * Each of these took seconds for a hundred kilobytes that a client may send: a pattern that is anchored at the end tries
 * every place, a search for what is not there is made again behind each of many places, a library walks all for each.
 */

const encoded = (text: string): string => Buffer.from(text).toString('base64url');
const quotes = `x${'"'.repeat(100_000)}x`;

const linear: readonly (readonly [why: string, name: string, ...operands: Value[]])[] = [
  ['quotes inside of a token in a token', 'io.jwt.decode', `${encoded('{"cty":"JWT"}')}.${encoded(quotes)}.`],
  [
    'quotes inside of a server name',
    'crypto.x509.parse_and_verify_certificates_with_options',
    await chainPem(),
    { DNSName: quotes },
  ],
  ['indexes that are not closed', 'sprintf', '%['.repeat(50_000), []],
  ['aliases', 'yaml.unmarshal', `- &a 1\n${'- *a\n'.repeat(10_000)}`],
  ['versions of many parts', 'semver.is_valid', `1.0.0-${'a.'.repeat(500_000)}`],
];

test('a hundred kilobytes are read in less than a second', async (t) => {
  for (const [why, name, ...operands] of linear) {
    const started = process.cpuUsage().user;
    try {
      call(name, ...operands);
    } catch (thrown) {
      if (!(thrown instanceof BuiltinError)) throw thrown;
    }
    t.ok(process.cpuUsage().user - started < 1_000_000, why);
  }
});

test('what cannot be linear is paid for', async (t) => {
  const almost = { [`${'a'.repeat(50_000)}b`]: 'x' };
  t.throws(() => callWith(budget(), 'strings.replace_n', almost, 'a'.repeat(100_000)), EvaluationError);
  const spreads = Array.from({ length: 1_000 }, (_, i) => `fragment f${i} on Query { ...f${i + 1} a }`).join(' ');
  const query = `{ ...f0 } ${spreads} fragment f1000 on Query { a }`;
  t.throws(() => callWith(budget(), 'graphql.is_valid', query, 'type Query { a: Int }'), EvaluationError);
  const decision = budget();
  const clockIn = (zone: string) => callWith(decision, 'time.clock', [0, zone]);
  t.throws(() => Intl.supportedValuesOf('timeZone').forEach(clockIn), EvaluationError);
});

test('text of many megabytes does not run out of stack', async (t) => {
  const large = 'a'.repeat(20_000_000);
  t.equal((call('json.marshal_with_options', large, { pretty: true }) as string).length, large.length + 2);
  const laidOut = call('json.marshal_with_options', { 'a"\\': ['[{,:}]', 1] }, { pretty: true });
  t.equal(laidOut, '{\n\t"a\\"\\\\": [\n\t\t"[{,:}]",\n\t\t1\n\t]\n}');
});

test('null is a value, and of the wrong type: not an option that is left out', async (t) => {
  const config = { aws_service: 's3', aws_access_key: 'a', aws_secret_access_key: 'b', aws_region: 'c' };
  const request = { method: 'get', url: 'https://h/' };
  t.ok(call('providers.aws.sign_req', request, config, 1));
  t.throws(() => call('providers.aws.sign_req', { ...request, headers: null }, config, 1), BuiltinError);
  t.throws(
    () => call('providers.aws.sign_req', request, { ...config, disable_payload_signing: null }, 1),
    BuiltinError,
  );
  for (const option of ['pretty', 'prefix', 'indent']) {
    t.throws(() => call('json.marshal_with_options', 1, { [option]: null }), BuiltinError, option);
  }
});
