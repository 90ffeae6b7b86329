import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'tap';

test('the flag that is set for a module is put back, also when loading it fails', async (t) => {
  const program = fileURLToPath(new URL('./what-v8-keeps.ts', import.meta.url));
  // What measures coverage keeps every script there ever was.
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program], {
    env: { _TAPJS_PROCESSINFO_COVERAGE_: '0' },
  });
  t.same(JSON.parse(stdout), {
    first: true,
    steps: [
      ['loaded', true],
      ['SyntaxError', true],
      ['RangeError', true],
    ],
    switchedOff: false,
  });
});
