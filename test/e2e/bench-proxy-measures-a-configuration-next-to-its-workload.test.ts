import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { readResult } from '../../bench/result-file.ts';
import type { SubjectResult } from '../../bench/result.ts';
import { benchSite } from '../harness/bench-proxy.ts';
import { clientId, openCa } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';
import { parseSpiffeId } from '../../certs/spiffe-id.ts';

const small = ['--seconds', '1', '--rounds', '1', '--connections', '4', '--rate', '40', '--lag', '60000'];

/** What every figure is held to, whatever the machine. */
function sound({ rounds, latency }: SubjectResult): boolean {
  const rising =
    latency.p50 > 0 && latency.p50 <= latency.p90 && latency.p90 <= latency.p99 && latency.p99 <= latency.max;
  return rising && rounds.every(({ operations, failures }) => operations > 0 && failures === 0);
}

test('rates, the limit, handshakes and each filter, next to a direct connection in the same run', async (t) => {
  const { folder, bench, leftBehind } = benchSite(t);
  const before = readdirSync(folder);
  const post = ['--target', '/orders/1', '--body', 'order.json', '--workload', 'builtin'];
  const files = ['--json', 'result.json', '--html', 'page.html'];
  const { code, stdout, stderr } = await bench(
    '--id',
    clientId,
    ...post,
    ...small,
    '--filters',
    '--handshakes',
    ...files,
  );
  t.equal(code, 0, stderr);
  const { command, subjects, scenario, notes } = await readResult(join(folder, 'result.json'));
  t.equal(command, 'proxy');
  t.equal(scenario, 'POST /orders/1 with 8 bytes on 4 connections, builtin workload');
  const pair = ['direct', 'portcullis'];
  const named = subjects.map(({ case: at, name }) => [at, name]);
  t.same(named, [
    ...['40 per second', 'as fast as they can', 'a new connection for each request'].flatMap((at) =>
      pair.map((name) => [at, name]),
    ),
    ...['forwarding alone', '+ schemas', '+ quotas', '+ its policy', '+ records that are required'].map((name) => [
      'filters switched on one after the other',
      name,
    ]),
  ]);
  for (const subject of subjects) t.ok(sound(subject), `${subject.case}, ${subject.name}`);
  const [direct, ours] = subjects;
  t.equal(direct?.rounds[0]?.operations, 40, 'a rate is kept');
  t.same([direct?.rounds[0]?.cpu, direct?.stages], [null, []], 'of the workload nothing is known');
  t.ok((ours?.rounds[0]?.cpu ?? 0) > 0);
  const stages = [
    'identity',
    'normalise',
    'limit',
    'user',
    'validate',
    'authorize',
    'forward',
    'inspect',
    'outside the stages',
  ];
  t.same(
    ours?.stages.map(({ name }) => name),
    stages,
  );
  t.ok(notes.some((note) => note.startsWith('filters: cannot be switched off: mutual TLS, identity')));
  t.match(stdout, /^bench proxy: POST .*\n[^]*\n40 per second\n[^]*\ndirect +[^]*\nportcullis +[\d,.]+ \(\d+\.\d+x\)/);
  t.match(stdout, /^portcullis spends its time on: identity [\d.]+ us \(\d+ %\), /m);
  t.match(stdout, /^resident MB, at first, at most and at last: portcullis \d+, at most \d+, \d+/m);
  t.match(stdout, /\n +this filter, us of CPU [^]*\n\+ schemas +-?[\d.]+ /);
  t.match(readFileSync(join(folder, 'page.html'), 'utf8'), /^<!doctype html>/i);
  t.same(
    readdirSync(folder).toSorted(),
    [...before, 'page.html', 'result.json'].toSorted(),
    'nothing of the proxy is touched',
  );
  t.same(leftBehind(), []);
});

test('the workload of the configuration, a certificate of its own CA, and requests in turns', async (t) => {
  const paths: string[] = [];
  const workload = await startWorkload(({ url = '' }, _, response) => {
    paths.push(url);
    response.statusCode = url === '/orders/404' ? 404 : 200;
    response.end('ok');
  });
  t.teardown(workload.close);
  const { folder, bench, leftBehind } = benchSite(t, workload.port);
  const ca = await openCa(folder);
  const { chainPem, keyPem } = await ca.issue({ spiffeId: parseSpiffeId(clientId), lifetimeMs: 3_600_000 });
  ca.close();
  writeFileSync(join(folder, 'client.crt'), chainPem);
  writeFileSync(join(folder, 'client.key'), keyPem);
  const requests = [
    { target: '/orders/1' },
    { target: '/orders/404' },
    { target: '/orders/2', body: '{"id":1}', header: ['x-a: b'] },
  ];
  writeFileSync(join(folder, 'requests.json'), JSON.stringify(requests));
  const words = ['--cert', 'client.crt', '--key', 'client.key', '--request', 'requests.json', '--json', '-'];
  const { code, stdout, stderr } = await bench(...words, ...small);
  t.equal(code, 0, stderr);
  const { scenario, subjects } = JSON.parse(stdout) as { scenario: string; subjects: SubjectResult[] };
  t.equal(scenario, '3 requests in turns on 4 connections, configured workload');
  t.equal(subjects.length, 4);
  for (const subject of subjects) t.ok(sound(subject), `${subject.case}, ${subject.name}`);
  t.same(new Set(paths), new Set(['/orders/1', '/orders/404', '/orders/2']));
  t.same(leftBehind(), []);
});
