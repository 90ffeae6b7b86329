import { execFile, spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { freePort } from '../../bench/peers/opa.ts';
import { findProgram } from '../../bench/peers/programs.ts';
import { writeSpiffeBundle } from '../../certs/spiffe-bundle.ts';
import { derToPem } from '../../certs/certificate.ts';
import { grpcMethod, message } from '../../certs/workload-api/proto/message.ts';
import {
  SpiffeWorkloadAPI,
  type X509SVIDResponse,
  X509SVIDRequestSchema,
} from '../../certs/workload-api/proto/workload_pb.ts';
import { connectRaw, exchange, requestText } from '../harness/client.ts';
import { eventually } from '../harness/process.ts';
import { newFolder, openCa, startProxy, trustDomain } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';
import { grpcClient, pemOf, startWorkloadApi } from '../harness/workload-api.ts';

const source = (name: string) => fileURLToPath(new URL(`../clients/${name}`, import.meta.url));
const edgeId = `spiffe://${trustDomain}/edge`;
const endpointId = `spiffe://${trustDomain}/bundles`;
const proxyId = `spiffe://${trustDomain}/ns/t/sa/proxy`;
const webId = `spiffe://${trustDomain}/web`;

const config = {
  sockets: [
    { path: './edge/api.sock', svids: [{ spiffe_id: edgeId }] },
    { path: './web/api.sock', svids: [{ spiffe_id: webId, hint: 'main' }] },
    { path: './proxy/api.sock', svids: [{ spiffe_id: proxyId }] },
  ],
  bundle_endpoint: { listen: '127.0.0.1:0', profile: 'https_spiffe', spiffe_id: endpointId },
};

/** Undefined where Python, or py-spiffe in it, is missing. */
function pythonClientHere(): readonly string[] | undefined {
  const python = process.env['PYTHON'] ?? 'python3';
  const { status } = spawnSync(python, ['-c', 'import importlib.metadata as m; assert m.version("spiffe") == "0.3.2"']);
  return status === 0 ? [python, source('py-spiffe/main.py')] : undefined;
}

/** Compiled without asking the network: undefined where Go, or go-spiffe in its module cache, is missing. */
function compiledGoClient(folder: string): Promise<readonly string[] | undefined> {
  const program = join(folder, 'go-spiffe');
  const env = { ...process.env, GOPROXY: 'off', GOFLAGS: '-mod=readonly -trimpath -buildvcs=false' };
  return new Promise((resolve, reject) => {
    execFile('go', ['build', '-o', program, '.'], { cwd: source('go-spiffe'), env }, (error, _, stderr) => {
      if (error === null) resolve([program]);
      else if (error.code === 'ENOENT' || /module lookup disabled|toolchain/.test(stderr)) resolve(undefined);
      else reject(new Error(stderr));
    });
  });
}

void test('the Workload API, programs that know nothing of this project, and a proxy that has no CA', {
  timeout: 280_000,
}, async (t) => {
  const goClient = await compiledGoClient(newFolder(t));
  const pythonClient = pythonClientHere();
  const envoy = findProgram('envoy');
  const api = await startWorkloadApi(t, config);
  const ca = await openCa(api.folder);
  t.teardown(() => ca.close());
  const serials = (id: string) =>
    api
      .audit()
      .map(({ type, certificate }) => ({ type, ...(certificate as { spiffe: string; serial: string } | undefined) }))
      .filter(({ type, spiffe }) => type === 'ca.issue' && spiffe === id)
      .map(({ serial = '' }) => serial);

  const noGo = 'Go, or go-spiffe in its module cache, is missing: (cd test/clients/go-spiffe && go mod download)';
  const noPython =
    'py-spiffe is missing: python3 -m pip install spiffe==0.3.2, for the python3 of the path or of PYTHON';
  const libraries = [
    { name: 'go-spiffe', words: goClient, missing: noGo, svid: `${webId}=main` },
    // It does not tell hints.
    { name: 'py-spiffe', words: pythonClient, missing: noPython, svid: webId },
  ];
  for (const { name, words, missing, svid } of libraries) {
    await t.test(name, { skip: words === undefined && missing }, async (t) => {
      const [program = '', ...first] = words ?? [];
      const child = spawn(program, [...first, join(api.folder, 'web/api.sock'), '3'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      t.teardown(() => child.kill());
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const line = async () => (await lines.next()).value as string;
      t.equal(await line(), `${webId} ${webId}`, 'the token is good for the library and for the Workload API');
      const [shown, serial] = (await line()).split(' ');
      t.equal(shown, svid, 'identity and hint, and a path to the bundle');
      const given = serials(webId).at(-1) ?? '';
      t.equal(serial, given.toLowerCase());
      await ca.revoke(given);
      let next = await line();
      while (next.endsWith(` ${serial}`)) next = await line();
      t.equal(next, `${svid} ${serials(webId).at(-1)?.toLowerCase()}`, 'the successor is pushed');
    });
  }

  await t.test('go-spiffe, at the bundle endpoint', { skip: goClient === undefined && noGo }, async (t) => {
    const [, port = ''] = /"bundle_endpoint":"127\.0\.0\.1:(\d+)"/.exec(api.log()) ?? [];
    const known = join(api.folder, 'bundle.json');
    const bundle = await ca.publicBundle();
    writeFileSync(known, writeSpiffeBundle({ ...bundle, refreshHintMs: 0 }));
    const [program = '', ...first] = goClient ?? [];
    const ask = async (id: string) => {
      const words = ['federation', `https://localhost:${port}/`, trustDomain, id, known];
      return text(spawn(program, [...first, ...words], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout);
    };
    t.equal(await ask(endpointId), `1 1 ${bundle.sequence} 5m0s\n`, 'a root, a key, sequence and hint');
    t.match(await ask(webId), /^error .*unexpected ID/, 'only by its own SPIFFE ID');
  });

  await t.test('Envoy', { skip: envoy === undefined && 'no envoy: npm run bench -- --install' }, async (t) => {
    const port = await freePort();
    const values: Readonly<Record<string, string>> = {
      PORT: String(port),
      PEER: webId,
      SOCKET: join(api.folder, 'edge/api.sock'),
    };
    const yaml = readFileSync(source('envoy/envoy.yaml'), 'utf8').replaceAll(
      /@([A-Z]+)@/g,
      (_, name) => values[name] ?? '',
    );
    writeFileSync(join(api.folder, 'envoy.yaml'), yaml);
    const words = ['-c', 'envoy.yaml', '--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];
    const child = spawn(envoy ?? '', words, { cwd: api.folder, stdio: ['ignore', 'ignore', 'inherit'] });
    t.teardown(async () => {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    });
    const web = grpcClient(t, join(api.folder, 'web/api.sock')).stream(
      grpcMethod(SpiffeWorkloadAPI.method.fetchX509SVID),
      message(X509SVIDRequestSchema, {}),
    );
    const old = await web.next();
    await eventually(() =>
      call(port, old).then(
        ({ status }) => status === 200,
        (): boolean => false,
      ),
    );
    const before = await call(port, old);
    t.match(before, { status: 200, caller: webId, peer: { subjectAltName: `URI:${edgeId}` } });

    await ca.revoke(before.peer.serialNumber);
    await eventually(() => call(port, old).then(({ peer }) => peer.serialNumber !== before.peer.serialNumber));
    t.ok(serials(edgeId).includes((await call(port, old)).peer.serialNumber), 'its own successor was pushed to it');

    await ca.revoke(serialOf(old));
    await eventually(() =>
      call(port, old).then(
        (): boolean => false,
        () => true,
      ),
    );
    let successor = await web.next();
    while (serialOf(successor) === serialOf(old)) successor = await web.next();
    t.match(
      await call(port, successor),
      { status: 200, caller: webId },
      'the list was pushed too: revoked is refused, its successor is not',
    );
    await t.rejects(call(port, undefined), 'without a certificate nobody is served');
  });

  await t.test('Portcullis', async (t) => {
    const workload = await startWorkload();
    t.teardown(workload.close);
    const workloadApi = { socket: `unix://${join(api.folder, 'proxy/api.sock')}` };
    const proxy = await startProxy(t, {
      folder: api.folder,
      workloadPort: workload.port,
      config: {
        identity: { trust_domain: trustDomain, spiffe_id: proxyId, workload_api: workloadApi },
        audit: { folder: './proxy-audit' },
      },
    });
    t.equal((await exchange(proxy.port, proxy.client, requestText('GET', '/orders'))).answer?.status, 200);
    const serialShown = async () => {
      const { socket, close } = await connectRaw(proxy.port, proxy.client);
      const shown = socket.getPeerX509Certificate()?.serialNumber ?? '';
      close();
      return shown;
    };
    const before = await serialShown();
    t.equal(before, serials(proxyId).at(-1));
    await ca.revoke(before);
    await eventually(async () => (await serialShown()) !== before);
    t.equal(await serialShown(), serials(proxyId).at(-1), 'the successor was pushed to it');
  });
});

function leafOf({ svids }: X509SVIDResponse): Uint8Array {
  return svids[0]?.x509Svid ?? new Uint8Array();
}

function serialOf(answer: X509SVIDResponse): string {
  return new X509Certificate(leafOf(answer)).serialNumber;
}

type Answer = { readonly status: number | undefined; readonly caller: unknown; readonly peer: X509Certificate };

/** One request over mutual TLS, as the identity that the Workload API has given. */
function call(port: number, identity: X509SVIDResponse | undefined): Promise<Answer> {
  const svid = identity?.svids[0];
  const credential =
    svid === undefined
      ? {}
      : { ca: pemOf(svid.bundle), cert: pemOf(svid.x509Svid), key: derToPem(svid.x509SvidKey, 'PRIVATE KEY') };
  return new Promise((resolve, reject) => {
    // A SPIFFE ID is no host name; the test looks at it itself.
    const options = { ...credential, port, host: '127.0.0.1', agent: false, checkServerIdentity: () => undefined };
    const outgoing = request(options, (response) => {
      const peer = (response.socket as TLSSocket).getPeerX509Certificate();
      response.resume();
      const { statusCode: status, headers } = response;
      if (peer === undefined) reject(new Error('no certificate'));
      else resolve({ status, caller: headers['x-caller'], peer });
    });
    outgoing.on('error', reject).end();
  });
}
