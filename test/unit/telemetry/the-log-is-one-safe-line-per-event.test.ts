import fc from 'fast-check';
import { test } from 'tap';
import { createLog, type LogFields } from '../../../proxy/telemetry/log.ts';

const now = () => Date.UTC(2026, 10, 21, 12);

function lineOf(format: 'json' | 'text', fields: LogFields, event = 'policy.reject'): string {
  const lines: string[] = [];
  createLog({ write: (line) => lines.push(line), now, format }).warn(event, fields);
  return lines.join('');
}

test('JSON has time, level, event and fields; a terminal gets words', (t) => {
  t.equal(
    lineOf('json', { file: 'a b.rego', line: 3, nothing: undefined, routes: ['x'] }),
    '{"ts":"2026-11-21T12:00:00.000Z","level":"warn","event":"policy.reject","file":"a b.rego","line":3,"routes":["x"]}\n',
  );
  t.equal(
    lineOf('text', { file: 'a b.rego', line: 3, ok: false }),
    '2026-11-21T12:00:00.000Z WARN  policy.reject file="a b.rego" line=3 ok=false\n',
  );
  t.end();
});

test('any text stays in its line and field, and JSON gives it back (CVE-2024-45808, CVE-2025-25294 class)', (t) => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.constantFrom(
      '\r\n{"level":"error"}',
      '\u001b[2J',
      '\u009b31m',
      '\u2028',
      '\u202e',
      '\ud800',
      '\u007f',
      '\ufeff"',
      '\\',
    ),
  );
  const oneLine = /^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]*\n$/u;
  fc.assert(
    fc.property(hostile, hostile, (event, value) => {
      const json = lineOf('json', { value }, event);
      const text = lineOf('text', { value }, event);
      const parsed = JSON.parse(json) as Record<string, unknown>;
      return oneLine.test(json) && oneLine.test(text) && parsed['event'] === event && parsed['level'] === 'warn';
    }),
  );
  const harmless = 'line\r\nbreak \u001b[31m \u2028 "quoted" \\ \u202e';
  t.equal((JSON.parse(lineOf('json', { value: harmless })) as { value: string }).value, harmless);
  t.end();
});

test('a field cannot pose as the time, the level or the event', (t) => {
  const parsed = JSON.parse(lineOf('json', { level: 'info', event: 'x', ts: 'y' })) as object;
  t.match(parsed, { level: 'warn', event: 'policy.reject', _level: 'info', _event: 'x', _ts: 'y' });
  t.end();
});

test('credentials never appear, by name or by shape', (t) => {
  const canary = 'c4n4ry';
  const jwt = `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIx${canary}In0.${canary}`;
  const key = `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----`;
  const fields = {
    Authorization: canary,
    'set-cookie': canary,
    passphrase: canary,
    access_token: canary,
    privateKey: canary,
    header: `authorization: Bearer ${canary}`,
    basic: `basic ${canary}==`,
    jwt,
    key,
    cutKey: `-----BEGIN EC PRIVATE KEY-----\n${canary.repeat(900)}`,
    url: `https://user:${canary}@host/`,
    list: [jwt, key],
    error: new Error(`cannot read ${key}`, { cause: new Error(`Bearer ${canary}`) }),
  };
  for (const format of ['json', 'text'] as const) t.notMatch(lineOf(format, fields), canary);
  t.end();
});

test('a bug shows its stack and cause, a mistake of the operator only its sentence', (t) => {
  const bug = new TypeError('undefined is not a function', { cause: new Error('the root') });
  t.match(lineOf('json', { error: bug }), /undefined is not a function.*\\n\s+at .*the root/);
  const mistake = Object.assign(new Error('portcullis.yaml: no such file'), { remedy: 'name one' });
  t.match(lineOf('json', { error: mistake }), '"error":"portcullis.yaml: no such file"}');
  t.end();
});

test('long values are cut, quiet levels are silent', (t) => {
  t.ok(lineOf('json', { value: 'x'.repeat(100_000) }).length < 2300);
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line), now, format: 'json', level: 'warn' });
  log.debug('a');
  log.info('b');
  log.warn('c');
  log.error('d');
  t.same(
    lines.map((line) => (JSON.parse(line) as { event: string }).event),
    ['c', 'd'],
  );
  t.end();
});
