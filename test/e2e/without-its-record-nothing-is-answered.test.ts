import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { isExchange } from '../../bench/reload-under-load.ts';
import { load, type LoadResult } from '../../bench/load/each-answer.ts';
import { verifyAudit } from '../../proxy/audit/verify.ts';
import { exchange, requestText } from '../harness/client.ts';
import { newFolder, type ProxySetup, readAudit, startProxy, type TestProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

/** Puts a file system of its own where the audit goes; undefined where this user may not mount one. */
function mountAudit(t: Test, options: string): { folder: string; audit: string; unmount: () => void } | undefined {
  const folder = newFolder(t);
  const audit = join(folder, 'audit');
  mkdirSync(audit, { mode: 0o700 });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=0700,${options}`, 'tmpfs', audit], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  const unmount = () => execFileSync('umount', ['-l', audit]);
  t.teardown(unmount);
  return { folder, audit, unmount };
}

const skipped = 'skipped: this user cannot mount a tmpfs';

async function running(t: Test, setup: Omit<ProxySetup, 'workloadPort'>) {
  const workload = await startWorkload();
  t.teardown(workload.close);
  return { workload, proxy: await startProxy(t, { ...setup, workloadPort: workload.port }) };
}

function requests(proxy: TestProxy, goesOn: (started: number) => boolean): Promise<LoadResult> {
  return load({ port: proxy.port, credential: proxy.client, connections: 8, goesOn });
}

async function ask(
  proxy: TestProxy,
  text = requestText('GET', '/one'),
): Promise<{ status: number | undefined; code: unknown }> {
  const { answer, client } = await exchange(proxy.port, proxy.client, text);
  client.close();
  const isProblem = answer?.headers.get('content-type') === 'application/problem+json';
  return {
    status: answer?.status,
    code: isProblem ? (JSON.parse(answer?.body ?? '') as { code: unknown }).code : 'ok',
  };
}

const refused = { status: 503, code: 'audit-unavailable' };
const served = { status: 200, code: 'ok' };

async function isReady(proxy: TestProxy): Promise<boolean> {
  return (await proxy.admin('/readyz')).status === 200;
}

/** Every whole answer of the workload has its one record, and no record is there twice. */
function sameIds(t: Test, folder: string, { answers }: Pick<LoadResult, 'answers'>): void {
  const recorded = readAudit(folder)
    .filter(({ type }) => type === 'authz.allow')
    .map((record) => record['id']);
  const answered = answers.filter(({ status }) => status === 200).map(({ id }) => id);
  t.same(
    answered.filter((id) => !recorded.includes(id)),
    [],
    `each of ${answered.length} answers is on record`,
  );
  t.equal(new Set(recorded).size, recorded.length);
}

function wholeLinesOnly(t: Test, folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.ndjson')) t.match(readFileSync(join(folder, name), 'latin1'), /^$|\n$/, name);
  }
}

test('a disk that fills up under load: refused, not ready, no partial line; and it recovers', async (t) => {
  const mounted = mountAudit(t, 'size=6m');
  if (mounted === undefined) return t.pass(skipped);
  const { folder, audit } = mounted;
  const { workload, proxy } = await running(t, { folder, config: { threads: 2 } });
  const filler = join(audit, 'filler');
  // Each thread finds out by itself, with the first record that finds no room; the reserve of one is room for the other.
  const failed = () => new Set(proxy.log().match(/"event":"audit\.failed","thread":\d/g));
  let sent = 0;
  let left = 100;
  const loading = requests(proxy, (started) => {
    sent = started;
    return (failed().size < 2 || left-- > 0) && started < 20_000;
  });
  while (sent < 300) await new Promise((resolve) => setImmediate(resolve));
  t.throws(() => writeFileSync(filler, Buffer.alloc(10_000_000, 1)), { code: 'ENOSPC' });
  await proxy.untilLog(() => failed().size === 2);
  t.notOk(await isReady(proxy));
  t.match((await proxy.admin('/readyz')).body, /"audit",\s*"ok": false,\s*"detail": "(data-\d|control): .*ENOSPC/);
  const result = await loading;
  t.same(result.failures, []);
  t.same(new Set(result.answers.map(({ status }) => status)), new Set([200, 503]));
  const hits = workload.hits();
  for (let n = 0; n < 10; n++) t.same(await ask(proxy), refused);
  t.same(await ask(proxy, 'no request\r\n\r\n'), refused, 'what is refused for another reason is not recorded either');
  t.equal(workload.hits(), hits, 'the workload is not asked what could not be recorded');
  t.ok((await proxy.metric('portcullis_audit_lost_total')) > 0);
  sameIds(t, audit, result);
  wholeLinesOnly(t, audit);
  t.ok(
    (await verifyAudit(audit)).every(({ fault }) => fault === undefined),
    'it verifies on the full disk',
  );

  const failures = proxy.log().split('"event":"audit.failed"').length;
  rmSync(filler);
  await proxy.untilLog((log) => log.split('"event":"audit.writable"').length >= failures);
  while (!(await isReady(proxy))) await new Promise((resolve) => setImmediate(resolve));
  for (let n = 0; n < 10; n++) t.same(await ask(proxy), served);
  const recovered = proxy.audit().filter(({ type, reason }) => type === 'audit.recovered' && reason === 'no-space');
  t.ok(recovered.some((record) => Number(record['refused']) > 0));
  t.equal(await proxy.stop(), 0);
  sameIds(t, audit, result);
  return t.ok((await verifyAudit(audit)).every(({ fault }) => fault === undefined));
});

test('best effort on a full disk: it goes on, counts what is lost, and admits it', async (t) => {
  const mounted = mountAudit(t, 'size=8m');
  if (mounted === undefined) return t.pass(skipped);
  const { folder, audit } = mounted;
  const { proxy } = await running(t, { folder, config: { audit: { mode: 'best-effort' } } });
  const filler = join(audit, 'filler');
  writeFileSync(filler, Buffer.alloc(4_700_000, 1));
  t.match(await proxy.untilRecord(({ reason }) => reason === 'nearly-full'), {
    type: 'audit.degraded',
    stream: 'control',
  });
  t.ok((await proxy.metric('portcullis_audit_disk_used_ratio')) > 0.75);
  t.throws(() => writeFileSync(filler, Buffer.alloc(10_000_000, 1)), { code: 'ENOSPC' });
  const result = await requests(proxy, (started) => started < 2500);
  t.same(result.failures, []);
  t.ok(result.answers.every(({ status }) => status === 200));
  t.ok(await isReady(proxy), 'ready, as it does not need its audit');
  const written = proxy.audit().filter(isExchange).length;
  const lost = await proxy.metric('portcullis_audit_lost_total');
  t.equal(written + lost, 2500, `${lost} lost`);
  t.ok(lost > 0);
  rmSync(filler);
  const recovered = await proxy.untilRecord(
    ({ type, stream, reason }) => type === 'audit.recovered' && stream === 'data-0' && reason === 'no-space',
  );
  t.equal(recovered['lost'], lost);
  t.same(await ask(proxy), served);
  t.equal(await proxy.stop(), 0);
  return t.ok((await verifyAudit(audit)).every(({ fault }) => fault === undefined));
});

test('a read-only file system over the audit folder, and away again', async (t) => {
  const mounted = mountAudit(t, 'size=16m');
  if (mounted === undefined) return t.pass(skipped);
  const { folder, audit } = mounted;
  const { workload, proxy } = await running(t, { folder });
  t.same(await ask(proxy), served);
  // A file that is open for writing keeps its own mount writable, so another one is put over it.
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,mode=0700', 'tmpfs', audit]);
  t.same(await ask(proxy), refused, 'the request that finds out is refused, although the workload has answered it');
  const hits = workload.hits();
  t.same(await ask(proxy), refused);
  t.equal(workload.hits(), hits);
  t.notOk(await isReady(proxy));
  const counted = (labels: string) => proxy.metric(`portcullis_requests_total{route="any",${labels}}`);
  t.equal(await counted('outcome="allowed",code="ok"'), 1, 'counted as what the client was told');
  t.equal(await proxy.metric('portcullis_audit_lost_total'), 2);
  t.match((await proxy.admin('/metrics')).body, /outcome="undecided",code="audit-unavailable"} \d/);
  execFileSync('umount', [audit]);
  await proxy.untilLog((log) => log.includes('"event":"audit.writable"'));
  t.same(await ask(proxy), served);
  const recovered = await proxy.untilRecord(({ type, stream }) => type === 'audit.recovered' && stream === 'data-0');
  t.match(recovered, { reason: 'read-only', refused: 1, lost: 2 });
  while (!(await isReady(proxy))) await new Promise((resolve) => setImmediate(resolve));
  t.equal(await proxy.stop(), 0);
  return t.ok((await verifyAudit(audit)).every(({ fault }) => fault === undefined));
});

/** A file system that can be told to let every write wait, as a device or a server that has stopped answering does. */
function mountFreezable(t: Test): { folder: string; freeze: () => void; thaw: () => void } | undefined {
  const folder = newFolder(t);
  const [image, audit] = [join(folder, 'image'), join(folder, 'audit')];
  mkdirSync(audit);
  const run = (...words: readonly [string, ...string[]]) =>
    execFileSync(words[0], words.slice(1), { stdio: 'ignore', timeout: 10_000 });
  try {
    run('fsfreeze', '--version');
    run('truncate', '-s', '24M', image);
    run('mkfs.ext4', '-q', image);
    run('mount', '-o', 'loop', image, audit);
  } catch {
    return undefined;
  }
  t.teardown(() => run('umount', '-l', audit));
  chmodSync(audit, 0o700);
  rmdirSync(join(audit, 'lost+found'));
  return { folder, freeze: () => run('fsfreeze', '-f', audit), thaw: () => run('fsfreeze', '-u', audit) };
}

test('a disk that does not answer: nobody gets one until it does', async (t) => {
  const disk = mountFreezable(t);
  if (disk === undefined) return t.pass('skipped: this user cannot mount an image');
  const { workload, proxy } = await running(t, { folder: disk.folder, config: { limits: { stall: '1m' } } });
  t.same(await ask(proxy), served);
  const { client } = await exchange(proxy.port, proxy.client, requestText('GET', '/before'));
  const before = client.text();
  const hits = workload.hits();
  disk.freeze();
  let frozen = true;
  t.teardown(() => void (frozen && disk.thaw()));
  client.write(requestText('GET', '/meanwhile'));
  while (workload.hits() === hits) await new Promise((resolve) => setImmediate(resolve));
  // Not a wait for something: that nothing comes is the point.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const meanwhile = client.text();
  disk.thaw();
  frozen = false;
  t.equal(meanwhile, before, 'not a byte, although the workload has answered');
  await client.until((text) => text.split('HTTP/1.1 200 ').length === 3);
  client.close();
  t.equal(await proxy.stop(), 0);
  t.equal(proxy.audit().filter(({ type }) => type === 'authz.allow').length, 3);
  return t.ok((await verifyAudit(join(disk.folder, 'audit'))).every(({ fault }) => fault === undefined));
});

test('the audit file, its folder or all of it is taken away while it runs', async (t) => {
  const { proxy } = await running(t, {});
  const audit = join(proxy.folder, 'audit');
  const recoveries = () => proxy.audit().filter(({ type }) => type === 'audit.recovered');
  t.same(await ask(proxy), served);

  rmSync(join(audit, 'data-0', '00000001.ndjson'));
  t.same(await ask(proxy), served, 'a file that was removed costs nothing that follows');
  t.match(recoveries(), [{ stream: 'data-0', reason: 'removed', lost: 0 }]);
  t.match(
    (await verifyAudit(audit)).map(({ fault }) => fault?.kind),
    [undefined, 'segment-missing'],
    'and the verifier names the gap',
  );

  rmSync(join(audit, 'data-0'), { recursive: true });
  await proxy.untilLog((log) => log.includes('"event":"audit.writable"'));
  const reopened = async () => {
    let answer = await ask(proxy);
    // At most one attempt in half a second is made to open it again.
    while (answer.status !== 200) {
      t.same(answer, refused);
      answer = await ask(proxy);
    }
  };
  await reopened();
  t.match(recoveries().at(-1), { stream: 'data-0', reason: 'removed' });

  renameSync(audit, `${audit}.taken`);
  t.same(await ask(proxy), refused, 'without its folder there is no record, and no answer');
  t.notOk(await isReady(proxy));
  mkdirSync(audit, { mode: 0o700 });
  await reopened();
  while (!(await isReady(proxy))) await new Promise((resolve) => setImmediate(resolve));
  const [record] = readAudit(join(audit, 'data-0')).filter(({ type }) => type === 'audit.recovered');
  t.match(record, { reason: 'removed' });
  t.ok(Number(record?.['lost']) > 0);
  t.equal(await proxy.stop(), 0);
  t.match(
    (await verifyAudit(audit)).map(({ fault }) => fault?.kind),
    ['segment-missing', 'segment-missing'],
    'the new folder does not pretend to be the whole trail',
  );
});
