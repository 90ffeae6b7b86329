import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { parseSpiffeId } from '../../certs/spiffe-id.ts';
import { benchSite } from '../harness/bench-proxy.ts';
import { clientId, newFolder, openCa, strangerId } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const small = ['--seconds', '1', '--rounds', '1', '--connections', '2', '--rate', '40', '--lag', '60000'];
const builtin = ['--workload', 'builtin'];

test('a call that means nothing says what is wrong with it', async (t) => {
  const { bench } = benchSite(t);
  const id = ['--id', clientId];
  const calls: readonly (readonly [readonly string[], string])[] = [
    [[], 'who asks? --id SPIFFE_ID, or --cert with --key'],
    [['--cert', 'a.crt'], '--cert and --key belong together'],
    [[...id, '--cert', 'a', '--key', 'b'], '--id, or --cert with --key, not both'],
    [[...id, '--rate', '0'], "--rate is a whole number from 1 to 1000000, or several with commas between, not '0'"],
    [
      [...id, '--rate', '10,fast'],
      "--rate is a whole number from 1 to 1000000, or several with commas between, not 'fast'",
    ],
    [[...id, '--connections', '1e3'], "--connections is a whole number from 1 to 100000, not '1e3'"],
    [[...id, '--seconds', '0.5'], "--seconds is a whole number from 1 to 86400, not '0.5'"],
    [[...id, '--workload', 'other'], "--workload is configured or builtin, not 'other'"],
    [[...id, '--method', 'PUT'], '--method needs --target'],
    [[...id, '--request', 'a', '--target', '/'], '--request brings its own, so --target has no place'],
    [[...id, '--target', '/', '--header', 'none'], '--header is not NAME: VALUE: "none"'],
  ];
  for (const [words, message] of calls) {
    const { code, stdout, stderr } = await bench(...words);
    t.equal(code, 2);
    t.equal(stdout, '');
    t.match(stderr, `error[usage]: ${message}\n`);
  }
});

test('what cannot be used is named, with what to do', async (t) => {
  const { folder, bench, leftBehind } = benchSite(t);
  const foreign = await openCa(newFolder(t));
  const { chainPem, keyPem } = await foreign.issue({ spiffeId: parseSpiffeId(clientId), lifetimeMs: 3_600_000 });
  const other = await foreign.issue({ spiffeId: parseSpiffeId(clientId), lifetimeMs: 3_600_000 });
  foreign.close();
  (await openCa(folder)).close();
  const files = {
    'client.crt': chainPem,
    'client.key': keyPem,
    'other.key': other.keyPem,
    'odd.json': '{"targt":"/"}',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const id = ['--id', clientId, ...builtin];
  const pem = (cert: string, key: string) => ['--cert', cert, '--key', key, ...builtin];
  const calls: readonly (readonly [readonly string[], RegExp])[] = [
    [
      ['--id', clientId],
      /^error\[bench-workload-absent\]: the workload does not answer at 127\.0\.0\.1:1: ECONNREFUSED\n/,
    ],
    [['--id', 'nobody', ...builtin], /^error\[spiffe-id-invalid\]: /],
    [
      ['--id', strangerId, ...builtin],
      /^error\[bench-request-refused\]: GET \/orders\/1: the proxy answers 403, and the workload itself 200\n/,
    ],
    [
      [...id, '--target', '/nowhere'],
      /^error\[bench-request-refused\]: GET \/nowhere: the proxy answers 404, and the workload itself 200\n/,
    ],
    [pem('none.crt', 'client.key'), /^error\[bench-credential-unusable\]: \S+\/none\.crt cannot be read \(ENOENT\)\n/],
    [
      pem('client.key', 'client.key'),
      /^error\[bench-credential-unusable\]: \S+\/client\.key holds no certificate in PEM\n/,
    ],
    [
      pem('client.crt', 'other.key'),
      /^error\[bench-credential-unusable\]: \S+\/other\.key is not the key of the certificate in /,
    ],
    [
      pem('client.crt', 'client.key'),
      /^error\[bench-request-refused\]: the proxy hung up on the client: 127\.0\.0\.1:\d+: /,
    ],
    [
      [...id, '--target', '/orders/1', '--body', 'none.json'],
      /^error\[bench-input-unusable\]: \S+\/none\.json cannot be read \(ENOENT\)\n/,
    ],
    [
      [...id, '--request', 'odd.json'],
      /^error\[bench-input-unusable\]: odd\.json: a request has target, method, header, body, and no "targt"\n/,
    ],
  ];
  for (const [words, message] of calls) {
    const { code, stdout, stderr } = await bench(...words, ...small);
    t.equal(code, 3, words.join(' '));
    t.equal(stdout, '');
    t.match(stderr, message);
  }
  t.same(leftBehind(), []);
});

test('a workload over TLS is not asked in clear text, and the built-in one stands in for it', async (t) => {
  const { folder, bench } = benchSite(t);
  const file = join(folder, 'portcullis.yaml');
  const tls = { spiffe_ids: [clientId] };
  const config = { ...JSON.parse(readFileSync(file, 'utf8')), workload: { address: '127.0.0.1:1', tls } };
  writeFileSync(file, JSON.stringify(config));
  const refused = await bench('--id', clientId, ...small);
  t.equal(refused.code, 3);
  t.match(
    refused.stderr,
    /^error\[bench-workload-over-tls\]: 127\.0\.0\.1:1 is reached over TLS \(workload\.tls\)\n.*`--workload builtin`/,
  );
  const { code, stdout } = await bench('--id', clientId, ...builtin, ...small);
  t.equal(code, 0);
  t.match(stdout, 'the built-in workload was asked in clear text: what workload.tls costs is not in these figures');
});

test('a workload that dies in the middle ends the run without figures', async (t) => {
  const workload = await startWorkload((_, __, response) => {
    response.end('ok');
    if (workload.hits() === 200) void workload.close();
  });
  const { bench, leftBehind } = benchSite(t, workload.port);
  const { code, stdout, stderr } = await bench('--id', clientId, ...small.with(1, '60'));
  t.equal(code, 3);
  t.equal(stdout, '');
  t.match(
    stderr,
    /^error\[bench-target-lost\]: 40 per second, direct: \S.* after \d+ answers of this round; \d+ requests failed or got no answer\n/,
  );
  t.same(leftBehind(), []);
});

test('a rate that is not made has no latency and says so; what was measured beside it stands', async (t) => {
  const { bench } = benchSite(t);
  const words = ['--id', clientId, ...builtin, ...small.with(7, '1000000'), '--json', '-'];
  const { code, stdout } = await bench(...words);
  t.equal(code, 1);
  const { subjects, notes } = JSON.parse(stdout) as { subjects: { case: string }[]; notes: string[] };
  t.same(new Set(subjects.map((subject) => subject.case)), new Set(['as fast as they can']));
  t.ok(
    notes.some((note) => /^1000000 per second, .* 1000000 requests\/s.*; no latency is shown$/.test(note)),
    notes.join('\n'),
  );
});

test('who interrupts a run is left with nothing of it', async (t) => {
  const { interrupted, leftBehind } = benchSite(t);
  const { code, stdout } = await interrupted('SIGINT', '--id', clientId, ...builtin);
  t.equal(code, 130);
  t.equal(stdout, '');
  t.same(leftBehind(), []);
});
