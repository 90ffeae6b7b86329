import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'tap';

const launcher = join(import.meta.dirname, '../../proxy/cli/portcullis');

async function demo(cwd: string, ...words: string[]) {
  const child = spawn(launcher, ['demo', '--once', '--port', '0', ...words], { cwd });
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
  t.match(err, /--port/);
});
