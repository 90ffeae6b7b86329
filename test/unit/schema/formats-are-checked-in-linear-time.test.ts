import { test } from 'tap';
import { compile } from './support.ts';

const rows: readonly (readonly [format: string, good: readonly string[], bad: readonly string[]])[] = [
  ['date', ['2024-02-29'], ['2023-02-29', '2024-1-1', '2024-01-01T']],
  ['time', ['23:59:60Z', '12:00:00.123+02:00'], ['24:00:00Z', '12:00:00']],
  ['date-time', ['2024-02-29T12:00:00Z'], ['2024-02-30T12:00:00Z', '2024-02-29']],
  ['duration', ['P1Y2M3DT4H', 'P4W'], ['P', '1Y', 'PT']],
  ['email', ['a.b@example.com'], ['a@', '@b', 'a b@c']],
  ['hostname', ['a.example'], ['-a.example', 'a_b', 'a'.repeat(64)]],
  ['ipv4', ['127.0.0.1'], ['127.0.0.01', '256.0.0.1', '1.2.3']],
  ['ipv6', ['::1', 'fe80::1', '::ffff:1.2.3.4'], ['::1%eth0', ':::']],
  ['uuid', ['123e4567-e89b-12d3-a456-426614174000'], ['urn:uuid:123e4567-e89b-12d3-a456-426614174000', '123']],
  ['uri', ['https://a/b?c=d#e', 'HTTP://A', 'urn:x:y', 'http://[::1]:80/'], ['/a', 'a b', 'a_b:c', 'http://a\nb']],
  ['uri-reference', ['/a', '', '#x', '../b'], ['a b', '\\', '%zz']],
  ['uri-template', ['/a/{id}', '/A{+x}'], ['{', '/{a b}']],
  ['json-pointer', ['', '/a~1b/0'], ['a', '/~2']],
  ['json-pointer-uri-fragment', ['#', '#/a%20b'], ['/a', '#/a b']],
  ['relative-json-pointer', ['0#', '1/a'], ['-1', '01']],
  ['byte', ['', 'AAAA', 'AA=='], ['A', 'AAAA\nnot base64!', 'AAAA\n']],
];

for (const [format, good, bad] of rows) {
  test(format, async (t) => {
    const schema = compile({ type: 'string', format });
    for (const text of good) t.equal(schema.validate(text), undefined, text);
    for (const text of bad)
      t.match(schema.validate(text), { keyword: 'format', message: `must match format "${format}"` }, text);
  });

  test(`${format} decides on texts that make backtracking engines stall`, async (t) => {
    const schema = compile({ type: 'string', format });
    for (const unit of ['a', '1', '/', 'a.', ':', '%61', '-', '0:', '{a}', 'T', 'a@']) {
      const violation = schema.validate(`${unit.repeat(100_000)}\n~`);
      t.match(violation, { keyword: 'format' }, unit);
    }
  });
}

test('int32 and int64 bound numbers', async (t) => {
  const int32 = compile({ type: 'number', format: 'int32' });
  t.equal(int32.validate(-(2 ** 31)), undefined);
  for (const value of [2 ** 31, 1.5]) t.match(int32.validate(value), { keyword: 'format' });
  t.match(compile({ type: 'number', format: 'int64' }).validate(1.5), { keyword: 'format' });
});
