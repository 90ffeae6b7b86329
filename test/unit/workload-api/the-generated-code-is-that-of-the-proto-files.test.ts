import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'tap';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = 'certs/workload-api/proto';

test('the generated code is that of the proto files', async (t) => {
  const made = t.testdir();
  const words = ['generate', folder, '--template', `${folder}/buf.gen.yaml`, '--output', made];
  const bin = join(root, 'node_modules/.bin');
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
  await promisify(execFile)(join(bin, 'buf'), words, { cwd: root, env });
  const generated = (from: string) =>
    Object.fromEntries(
      readdirSync(from)
        .filter((name) => name.endsWith('_pb.ts'))
        .map((name) => [name, readFileSync(join(from, name), 'utf8')]),
    );
  t.ok(Object.keys(generated(made)).length > 5);
  t.same(generated(join(root, folder)), generated(made), 'run `npm run proto`');
});
