import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { globSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { portcullis as fromSource } from '../harness/command.ts';
import { newFolder } from '../harness/proxy.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { started } = (await import(new URL('../../.ci/bundle.mjs', import.meta.url).href)) as {
  readonly started: readonly string[];
};

/** Modules that sources name as a path, in JavaScript, to start them as a thread or process. */
function namedAsPaths(): readonly string[] {
  const sources = ['certs', 'policy', 'proxy', 'bench'].flatMap((folder) =>
    globSync(`${folder}/**/*.ts`, { cwd: root }).map((file) => [file, readFileSync(join(root, file), 'utf8')] as const),
  );
  const paths = sources.flatMap(([file, text]) =>
    [...text.matchAll(/[`'](\.{1,2}\/[\w/-]+)(?:\$\{extname\(import\.meta\.url\)\}`|\.js')/g)].map(
      ([, path = '']) => `${join(dirname(file), path)}.js`,
    ),
  );
  return [...new Set(paths)];
}

const configuration = `
identity: { trust_domain: test.example, spiffe_id: spiffe://test.example/ns/t/sa/proxy }
listen: 127.0.0.1:0
workload: 127.0.0.1:9
policy: { rego: ./authz.rego }
routes: [{ name: any, methods: [GET], path: '/{rest...}' }]
admin: unix:./admin.sock
`;
const policy = 'package portcullis.authz\n\ndefault decision := {"allow": false, "rule": "default"}\n';

function digestsBelow(folder: string): Readonly<Record<string, string>> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const digests = files.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [relative(folder, path), createHash('sha256').update(readFileSync(path)).digest('hex')] as const;
  });
  return Object.fromEntries(digests);
}

test('what `npm run build` makes', async (t) => {
  const folder = newFolder(t);
  const dist = join(folder, 'dist');
  // tap puts its coverage loader into NODE_OPTIONS of every child: tsc does not start under it, and what is built is to run alone.
  const plainNode = ['-u', 'NODE_OPTIONS', process.execPath];
  for (const to of [dist, `${dist}-again`]) execFileSync('env', [...plainNode, join(root, '.ci/build.mjs'), to]);
  t.same(digestsBelow(dist), digestsBelow(`${dist}-again`), 'is the same bytes each time');
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'portcullis.yaml'), configuration);
  writeFileSync(join(folder, 'authz.rego'), policy);
  const main = join(dist, 'proxy/main.js');
  type Ended = { readonly code: number; readonly said: string };
  const portcullis = (...words: readonly string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const child = execFile('env', [...plainNode, main, ...words], { cwd: folder }, (_, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, said: stdout + stderr }),
      );
    });

  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' });
  t.same(
    files.filter((path) => path.endsWith('.ts')),
    [],
    'has no TypeScript left',
  );

  const scripts = files.filter((path) => path.endsWith('.js') && !path.startsWith('chunks/'));
  t.same(scripts.toSorted(), started.toSorted(), 'nor a module by itself that is not started by its path');
  t.same([...namedAsPaths(), 'proxy/main.js'].toSorted(), started.toSorted());

  const version = await portcullis('--version');
  t.same(version, { code: 0, said: (await fromSource('--version')).stdout });
  t.match(await portcullis('check', '-c', 'portcullis.yaml'), { code: 0, said: /test\.example/ });

  const before = await portcullis('probe', 'ready', '--admin', 'unix:./admin.sock');
  t.same(before, { code: 1, said: 'no answer from unix:./admin.sock: ENOENT\n' });

  const proxy = spawn('env', [...plainNode, main, 'run', '-c', 'portcullis.yaml'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => proxy.kill('SIGKILL'));
  let log = '';
  proxy.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  while (!log.includes('"event":"ready"') && proxy.exitCode === null) await once(proxy.stderr, 'data');
  t.match(log, '"event":"ready"', 'starts its data thread and its compiler from JavaScript');
  t.same(await portcullis('probe', 'ready', '--admin', 'unix:./admin.sock'), { code: 0, said: '' });
  proxy.kill('SIGTERM');
  t.same(await once(proxy, 'exit'), [0, null]);
  t.equal((await portcullis('probe', 'live', '--admin', 'unix:./admin.sock')).code, 1);
});

test('a probe', async (t) => {
  const answers = new Map([
    [
      '/readyz',
      '{"ready":false,"conditions":[{"name":"policy","ok":true},{"name":"audit","ok":false,"detail":"full"}]}',
    ],
    ['/livez', 'hello'],
  ]);
  const server = createServer((request, response) => {
    response.writeHead(503).end(answers.get(request.url ?? ''));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const admin = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;

  const [notReady, stranger, wrong] = await Promise.all([
    fromSource('probe', 'ready', '--admin', admin),
    fromSource('probe', 'live', '--admin', admin),
    fromSource('probe', 'live', '--admin', 'nowhere'),
  ]);
  t.same(notReady, { code: 1, stdout: '', stderr: 'status 503: audit (full)\n' });
  t.match(stranger, { code: 1, stderr: 'status 503: this is not the answer of a proxy' });
  t.match(wrong, { code: 2, stderr: '--admin: `nowhere` has no port' });
});
