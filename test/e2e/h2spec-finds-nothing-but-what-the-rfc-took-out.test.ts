import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { startHttp2Proxy } from '../harness/http2.ts';
import { newFolder, type TestProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

/** Cases of RFC 7540 section 5.3.1. RFC 9113 section 5.3.2 took priorities out: who ignores them has nothing to refuse. */
const known: readonly string[] = [
  'http2/5.3.1: Sends HEADERS frame that depend on itself',
  'http2/5.3.1: Sends PRIORITY frame that depend on itself',
];
const missing = 'Go, or h2spec in its module cache, is missing: (cd test/clients/h2spec && go mod download)';

/** A case that waits in vain takes as long. */
const caseSeconds = '2';

void test("h2spec, which is other people's reading of the RFC", { timeout: 240_000 }, async (t) => {
  const folder = newFolder(t);
  const h2spec = await compiledH2spec(folder);
  await t.test('against the whole proxy', { skip: h2spec === undefined && missing }, async (t) => {
    const workload = await startWorkload();
    t.teardown(workload.close);
    const routes = [{ name: 'any', methods: ['GET', 'HEAD', 'POST'], path: '/{rest...}', body: 'stream' }];
    const proxy = await startHttp2Proxy(t, { workloadPort: workload.port, config: { routes } });
    const port = await startRelay(t, proxy);
    const report = join(folder, 'report.xml');
    const options = [
      '-h',
      '127.0.0.1',
      '-p',
      String(port),
      '-P',
      '/asked',
      '-t',
      '-k',
      '-o',
      caseSeconds,
      '-j',
      report,
    ];
    const child = spawn(h2spec ?? '', options, { stdio: ['ignore', 'pipe', 'inherit'] });
    t.teardown(() => child.kill());
    const said = await text(child.stdout);
    const { passed, failed } = readReport(readFileSync(report, 'utf8'));
    t.same(failed, known, said.slice(said.indexOf('Failures:')));
    t.ok(passed >= 143, `${passed} cases passed`);
    t.equal(await proxy.stop(), 0, 'and the process lives');
    const bugs = proxy.audit().filter(({ reason }) => reason === 'internal-error');
    t.same(bugs, []);
  });
});

/** It cannot show a client certificate: this does it in its place. Over TLS, so that it says `:scheme` https. */
async function startRelay(t: Test, proxy: TestProxy): Promise<number> {
  const { certPem: cert, keyPem: key } = proxy.client;
  const server = createServer({ cert, key, ALPNProtocols: ['h2'] }, (near) => {
    const far = connect({
      host: '127.0.0.1',
      port: proxy.port,
      cert,
      key,
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
    });
    near.setNoDelay(true);
    far.setNoDelay(true);
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.end());
    near.pipe(far).pipe(near);
  });
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Of the JUnit report: how many passed, and the names of all that did not. */
function readReport(xml: string): { readonly passed: number; readonly failed: readonly string[] } {
  const cases = [...xml.matchAll(/<testcase package="([^"]*)" classname="([^"]*)"[^>]*>([^]*?)<\/testcase>/g)];
  const failed = cases.filter(([, , , content]) => content?.trim() !== '');
  return {
    passed: cases.length - failed.length,
    failed: failed.map(([, section, name]) => `${section}: ${name?.replaceAll('&#34;', '"')}`),
  };
}

/** Compiled without asking the network: undefined where Go, or h2spec in its module cache, is missing. */
function compiledH2spec(folder: string): Promise<string | undefined> {
  const program = join(folder, 'h2spec');
  const env = { ...process.env, GOPROXY: 'off', GOFLAGS: '-mod=readonly -trimpath -buildvcs=false' };
  const cwd = fileURLToPath(new URL('../clients/h2spec', import.meta.url));
  const words = ['build', '-o', program, 'github.com/summerwind/h2spec/cmd/h2spec'];
  return new Promise((resolve, reject) => {
    execFile('go', words, { cwd, env }, (error, _, stderr) => {
      if (error === null) resolve(program);
      else if (error.code === 'ENOENT' || /module lookup disabled|toolchain/.test(stderr)) resolve(undefined);
      else reject(new Error(stderr));
    });
  });
}
