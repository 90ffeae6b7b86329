import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { certificateToPem } from '../../certs/certificate.ts';
import { type ClientCredential, requestText } from '../harness/client.ts';
import { missingProgram, runProgram } from '../harness/other-program.ts';
import { startProxy, strangerId } from '../harness/proxy.ts';
import { proxyPki } from '../harness/proxy-pki.ts';
import { refusals } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';
import { makePki } from '../pki/pki.ts';

const proxyId = 'spiffe://test.example/ns/t/sa/proxy';

type Call = {
  readonly port: number;
  readonly path: string;
  /** Undefined: comes without a certificate. */
  readonly certificate: string | undefined;
  readonly key: string;
  readonly bundle: string;
};
/** The status and the SPIFFE ID that the client verified, as `200 spiffe://...`; rejects when it got no answer. */
type Client = {
  readonly name: string;
  /** Run once before; when its program is missing, the client is skipped. */
  readonly prepare: readonly string[];
  readonly call: (call: Call) => Promise<string>;
};

const source = (name: string) => fileURLToPath(new URL(`../clients/${name}`, import.meta.url));
const plain = (words: readonly string[]) => (call: Call) => {
  const { port, path, certificate, key, bundle } = call;
  return runProgram([...words, `https://127.0.0.1:${port}${path}`, certificate ?? 'none', key, bundle, proxyId]);
};

const goClient = join(mkdtempSync(join(tmpdir(), 'pc-')), 'client');

const clients: readonly Client[] = [
  {
    name: 'curl',
    prepare: ['curl', '--version'],
    call: async ({ port, path, certificate, key, bundle }) => {
      const identity = certificate === undefined ? [] : ['--cert', certificate, '--key', key];
      const words = ['-sS', '--noproxy', '*', '--cacert', bundle, '-o', '/dev/null', '-w', '%{http_code} %{certs}'];
      const out = await runProgram(['curl', ...words, ...identity, `https://localhost:${port}${path}`]);
      return `${out.slice(0, 3)} ${/URI:(\S+?)(?:,|\s|$)/.exec(out)?.[1]}`;
    },
  },
  {
    name: 'openssl s_client',
    prepare: ['openssl', 'version'],
    call: async ({ port, path, certificate, key, bundle }) => {
      const identity = certificate === undefined ? [] : ['-cert', certificate, '-cert_chain', certificate, '-key', key];
      const words = ['-connect', `127.0.0.1:${port}`, '-verify_return_error', '-CAfile', bundle, '-ign_eof'];
      const out = await runProgram(
        ['openssl', 's_client', ...words, ...identity],
        requestText('GET', path, ['Connection: close']),
      );
      const [pem = ''] = /-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/.exec(out) ?? [];
      const status = /^HTTP\/1\.1 (\d+)/m.exec(out)?.[1];
      if (status === undefined) throw new Error('no answer');
      return `${status} ${new X509Certificate(pem).subjectAltName?.match(/URI:([^,]+)/)?.[1]}`;
    },
  },
  {
    name: 'Go crypto/tls',
    // Half a minute of two cores when Go has never compiled its TLS on this machine.
    prepare: ['go', 'build', '-o', goClient, source('go/client.go')],
    call: plain([goClient]),
  },
  { name: 'Python ssl', prepare: ['python3', '--version'], call: plain(['python3', source('python/client.py')]) },
];

void test('clients of other people', { timeout: 280_000 }, async (t) => {
  t.teardown(() => rmSync(dirname(goClient), { recursive: true }));
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });
  const write = (name: string, { certPem, keyPem }: ClientCredential) => {
    const folder = join(proxy.folder, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'svid.pem'), certPem);
    writeFileSync(join(folder, 'svid.key'), keyPem);
    return { certificate: join(folder, 'svid.pem'), key: join(folder, 'svid.key') };
  };
  const known = write('known', proxy.client);
  const stranger = write('stranger', await proxy.issue(strangerId));
  const bundle = join(proxy.folder, 'bundle.pem');
  writeFileSync(bundle, certificateToPem((await proxyPki(proxy.folder)).root.certificate));
  const otherBundle = join(proxy.folder, 'other-bundle.pem');
  writeFileSync(otherBundle, (await makePki({ trustDomain: 'test.example' })).caPem);

  for (const [index, { name, prepare, call }] of clients.entries()) {
    const missing = await missingProgram(prepare);
    await t.test(name, { skip: missing }, async (t) => {
      const path = `/client-${index}`;
      const hits = workload.hits();
      const at = { port: proxy.port, path, bundle, ...known };
      t.equal(await call(at), `200 ${proxyId}`, 'allowed, after it has verified who the proxy is');
      t.equal(workload.hits(), hits + 1);
      t.equal(await call({ ...at, ...stranger }), `403 ${proxyId}`, 'refused by policy');
      const before = refusals(proxy).length;
      await t.rejects(call({ ...at, certificate: undefined }), 'no certificate: no answer');
      await proxy.untilRecord(() => refusals(proxy).length > before);
      t.match(refusals(proxy).slice(before), [{ reason: 'no-certificate' }]);
      await t.rejects(
        call({ ...at, bundle: otherBundle }),
        /certificate|verif/i,
        'with another bundle it is the client that refuses',
      );
      t.equal(workload.hits(), hits + 1, 'the workload saw the allowed request and no other');
    });
  }
});
