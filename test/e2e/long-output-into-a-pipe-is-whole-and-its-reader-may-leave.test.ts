import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { base } from '../harness/failed-start.ts';
import { newFolder } from '../harness/proxy.ts';
import { program, programWords } from '../harness/program.ts';

const routes = Array.from({ length: 4_000 }, (_, n) => ({ name: `r${n}`, methods: ['GET'], path: `/r${n}`, typo: n }));

test('a pipe gets the last of four thousand problems', async (t) => {
  const file = join(newFolder(t), 'portcullis.yaml');
  writeFileSync(file, JSON.stringify({ ...base, routes }));
  const child = spawn(program, [...programWords, 'check', '-c', file]);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const [code] = await once(child, 'close');
  t.equal(code, 1);
  t.ok(text.length > 256 * 1024, `${text.length} characters are more than a pipe holds`);
  t.match(text, /routes\[3999\]/);
});

test('a reader that leaves early ends nothing and sees no stack trace', async (t) => {
  const file = join(newFolder(t), 'portcullis.yaml');
  writeFileSync(file, JSON.stringify({ ...base, routes }));
  const child = spawn(program, [...programWords, 'check', '-c', file]);
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = await once(child, 'close');
  t.equal(code, 1, 'the code of a configuration with problems, not of a crash');
});

test('output that a full disk has swallowed is no success', async (t) => {
  const child = spawn(program, [...programWords, 'check', '--help'], {
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => (said += part));
  const [code] = await once(child, 'close');
  t.equal(code, 3);
  t.match(said, /^error\[output-lost\]: standard output: no space left on device\n {2}make room/);
});
