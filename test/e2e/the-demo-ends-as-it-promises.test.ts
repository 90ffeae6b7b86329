import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'tap';
import { layOut } from '../../proxy/demo/folder.ts';

const launcher = join(import.meta.dirname, '../../proxy/cli/portcullis');

async function demo(cwd: string, ...words: string[]) {
  const port = words.includes('--port') ? [] : ['--port', '0'];
  const child = spawn(launcher, ['demo', '--once', ...port, ...words], { cwd });
  const [[code], out, err] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
  return { code: code as number | null, out, err };
}

test('every outcome is the expected one, on a new state folder and on the same again', async (t) => {
  const cwd = t.testdir();
  for (const attempt of ['first', 'second']) {
    const { code, out, err } = await demo(cwd);
    t.equal(code, 0, `${attempt} run: ${err}`);
    t.match(out, '8 of 8 outcomes as expected. Audit trail verified');
    t.match(out, 'schema-violation at /delivery/price');
  }
});

test('the trail of a demo begins and ends in good order', async (t) => {
  const cwd = t.testdir();
  await demo(cwd);
  const trail = readFileSync(join(cwd, '.portcullis/demo/audit/control/00000001.ndjson'), 'utf8');
  t.match(trail, '"type":"proc.start"');
  t.match(trail, '"type":"proc.stop"');
});

test('a wrong port is a mistake of usage', async (t) => {
  const { code, err } = await demo(t.testdir(), '--port', '70000');
  t.equal(code, 2);
  t.match(err, /--port takes a number/);
});

test('a folder that cannot be written to is said to be so, with what to do', async (t) => {
  const readOnly = t.testdir();
  chmodSync(readOnly, 0o555);
  const layOutThere = () => layOut(join(readOnly, '.portcullis/demo'), { proxy: 1, workload: 2 });
  // Root may write everywhere, so it becomes somebody else for the moment.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    t.throws(layOutThere, { code: 'demo-folder-unusable', message: /EACCES/ });
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
  const inTheWay = t.testdir({ '.portcullis': 'a file' });
  const { code, err } = await demo(inTheWay);
  t.equal(code, 3);
  t.match(err, /^error\[demo-folder-unusable\]: the demo cannot write .*\n {2}start `proxy\/cli\/portcullis demo`/);
});

test('a port in use names the call that takes another one', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const { code, err } = await demo(t.testdir(), '--port', String(port));
  t.equal(code, 3);
  t.match(err, /^error\[demo-port-in-use\]: .*\n {2}.*`npm start -- --port N`/);
});

test('while it serves, it tells what comes of a changed file, and how to see why a connection was refused', async (t) => {
  const cwd = t.testdir();
  const child = spawn(launcher, ['demo', '--port', '0'], { cwd });
  t.teardown(() => child.kill('SIGKILL'));
  let err = '';
  let out = '';
  const said = Promise.withResolvers<undefined>();
  const serving = Promise.withResolvers<undefined>();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    if (err.includes('snapshot.swap')) said.resolve(undefined);
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    if (out.includes('Ctrl-C ends it')) serving.resolve(undefined);
  });
  await serving.promise;
  t.equal(err, '', 'nothing is said before the table');
  t.match(out, /curl: \(56\)[^]*portcullis audit show \.portcullis\/demo\/audit --type tls\.reject/);
  const file = join(cwd, '.portcullis/demo/portcullis.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('requests: 6', 'requests: 7'));
  await said.promise;
  t.match(err, /INFO +snapshot\.swap/);
  child.kill('SIGINT');
  t.same(await once(child, 'close'), [0, null]);
  t.match(out, /\nEnded\. Audit trail verified: [0-9]+ records in .portcullis\/demo\/audit\n$/);
});
