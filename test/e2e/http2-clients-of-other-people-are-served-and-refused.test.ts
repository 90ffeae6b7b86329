import { mkdirSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import type { ClientCredential } from '../harness/client.ts';
import { startHttp2Proxy } from '../harness/http2.ts';
import { missingProgram, runProgram } from '../harness/other-program.ts';
import { untilQuiet } from '../harness/process.ts';
import { newFolder, strangerId } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

/** Larger than a window, so that credit is needed for each; and no client that works may be taken for a flood. */
const answerBytes = 100 << 10;
const uploadBytes = 1 << 20;
const busy = { requests: 600, atOnce: 40 };

type Ask = {
  readonly port: number;
  readonly path: string;
  readonly credential: ClientCredential;
  readonly certificate: string;
  readonly key: string;
  readonly requests: number;
  readonly atOnce: number;
  readonly upload: number;
};
/** Each outcome once, behind how often it came: `600 HTTP/2 200 102400`. */
type Client = {
  readonly name: string;
  /** Run once before; when its program is missing, the client is skipped. */
  readonly prepare: readonly string[];
  readonly ask: (ask: Ask) => Promise<readonly string[]>;
};

function counted(outcomes: readonly string[]): readonly string[] {
  const times = new Map<string, number>();
  for (const outcome of outcomes) times.set(outcome, (times.get(outcome) ?? 0) + 1);
  return [...times].map(([outcome, count]) => `${count} ${outcome}`).toSorted();
}

async function askWithCurl({
  port,
  path,
  certificate,
  key,
  requests,
  atOnce,
  upload,
}: Ask): Promise<readonly string[]> {
  const url = `https://localhost:${port}${path}`;
  const urls = requests === 1 ? url : `${url}?[1-${requests}]`;
  const identity = ['--cert', certificate, '--key', key, '--insecure', '--noproxy', '*'];
  const many = requests === 1 ? [] : ['--parallel', '--parallel-max', String(atOnce)];
  const body = upload === 0 ? [] : ['--data-binary', `@${certificate}.body`];
  const written = ['-sS', '-o', '/dev/null', '-w', 'HTTP/%{http_version} %{http_code} %{size_download}\\n'];
  const out = await runProgram(['curl', '--http2', ...written, ...identity, ...many, ...body, urls]);
  return counted(out.split('\n'));
}

async function askWithNode({ port, path, credential, requests, atOnce, upload }: Ask): Promise<readonly string[]> {
  const { certPem: cert, keyPem: key } = credential;
  const session = connect(`https://localhost:${port}`, { cert, key, rejectUnauthorized: false });
  const failed = new Promise<never>((_, reject) => void session.on('error', reject));
  const body = Buffer.alloc(upload, 'a');
  const outcomes: string[] = [];
  let begun = 0;
  const worker = async () => {
    for (; begun < requests; ) {
      begun += 1;
      outcomes.push(await askOnce(session, path, body));
    }
  };
  await Promise.race([failed, Promise.all(Array.from({ length: atOnce }, worker))]);
  session.close();
  return counted(outcomes);
}

function askOnce(session: ClientHttp2Session, path: string, body: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const endStream = body.length === 0;
    const stream = session.request({ ':path': path, ':method': endStream ? 'GET' : 'POST' }, { endStream });
    let bytes = 0;
    let status = '';
    stream.on('response', (headers) => (status = String(headers[':status'])));
    stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
    stream.on('end', () => resolve(`HTTP/2 ${status} ${bytes}`)).on('error', reject);
    if (!endStream) stream.end(body);
  });
}

function clientsFor(folder: string): readonly Client[] {
  const goClient = join(folder, 'client');
  const source = fileURLToPath(new URL('../clients/go-http2/client.go', import.meta.url));
  return [
    { name: 'curl, which is nghttp2', prepare: ['curl', '--version'], ask: askWithCurl },
    { name: 'node:http2', prepare: [process.execPath, '--version'], ask: askWithNode },
    {
      name: 'Go net/http',
      prepare: ['go', 'build', '-o', goClient, source],
      ask: async ({ port, path, certificate, key, requests, atOnce, upload }) => {
        const numbers = [requests, atOnce, upload].map(String);
        const out = await runProgram([goClient, `https://localhost:${port}${path}`, certificate, key, ...numbers]);
        return out.replaceAll('HTTP/2.0', 'HTTP/2').split('\n');
      },
    },
  ];
}

void test('clients of other people, over HTTP/2', { timeout: 280_000 }, async (t) => {
  const uploaded: number[] = [];
  const workload = await startWorkload(({ method }, body, response) => {
    if (method === 'POST') uploaded.push(body.length);
    response.end(method === 'POST' ? 'whole' : Buffer.alloc(answerBytes));
  });
  t.teardown(workload.close);
  const proxy = await startHttp2Proxy(t, { workloadPort: workload.port });
  const write = (name: string, credential: ClientCredential) => {
    const folder = join(proxy.folder, name);
    mkdirSync(folder);
    const certificate = join(folder, 'svid.pem');
    writeFileSync(certificate, credential.certPem);
    writeFileSync(join(folder, 'svid.key'), credential.keyPem);
    writeFileSync(`${certificate}.body`, Buffer.alloc(uploadBytes, 'a'));
    return { credential, certificate, key: join(folder, 'svid.key') };
  };
  const known = write('known', proxy.client);
  const stranger = write('stranger', await proxy.issue(strangerId));
  const once = { port: proxy.port, requests: 1, atOnce: 1, upload: 0 };

  for (const { name, prepare, ask } of clientsFor(newFolder(t))) {
    const missing = await missingProgram(prepare);
    await t.test(name, { skip: missing }, async (t) => {
      const path = `/of-${name.split(/\W/)[0]}`;
      t.same(await ask({ ...once, ...known, path }), [`1 HTTP/2 200 ${answerBytes}`], 'allowed');
      const hits = workload.hits();
      t.match((await ask({ ...once, ...stranger, path })).join(), /^1 HTTP\/2 403 \d+$/, 'refused by policy');
      const refused = (await ask({ ...once, ...stranger, path, upload: uploadBytes })).join();
      t.match(refused, /^1 HTTP\/2 403 \d+$/, 'refused before its body, which it may have begun to send');
      t.equal(workload.hits(), hits, 'the workload saw nothing of these');
      t.same(await ask({ ...once, ...known, path, upload: uploadBytes }), ['1 HTTP/2 200 5'], 'a megabyte of body');
      t.equal(uploaded.at(-1), uploadBytes);
      const many = await ask({ ...once, ...known, ...busy, path });
      t.same(many, [`${busy.requests} HTTP/2 200 ${answerBytes}`], 'busy, and no flood');
      const uploads = { requests: 50, atOnce: 10, upload: uploadBytes };
      t.same(await ask({ ...once, ...known, ...uploads, path }), ['50 HTTP/2 200 5'], 'many uploads at once');
      await untilQuiet(proxy);
      const records = proxy
        .audit()
        .filter(({ object }) => String((object as { target?: string })?.target).startsWith(path));
      t.equal(records.filter(({ reason }) => reason === undefined).length, busy.requests + uploads.requests + 2);
      t.equal(records.filter(({ reason }) => reason === 'forbidden').length, 2);
    });
  }
  t.same(
    proxy.audit().filter(({ reason }) => reason === 'http2-violation' || reason === 'client-aborted'),
    [],
    'nobody was taken for an enemy',
  );
  t.equal(await proxy.stop(), 0);
});
