import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { type FileWatch, watchFiles } from '../../../proxy/control/watch-files.ts';

type Watched = { readonly watch: FileWatch; readonly calledBack: (times: number) => Promise<void> };

function watching(t: Test, paths: readonly string[]): Watched {
  let calls = 0;
  let wake: () => void = () => undefined;
  // Its own timer keeps no process alive, and must not.
  const awake = setInterval(() => undefined, 1000);
  const watch = watchFiles(paths, () => {
    calls += 1;
    wake();
  });
  t.teardown(() => {
    watch.stop();
    clearInterval(awake);
  });
  return {
    watch,
    calledBack: async (times) => {
      while (calls < times) await new Promise<void>((resolve) => (wake = resolve));
      t.equal(calls, times);
    },
  };
}

test('the first look calls back, because nobody has compared anything before it', async (t) => {
  const { calledBack } = watching(t, [join(t.testdir({ a: '1' }), 'a')]);
  await calledBack(1);
});

test('a file that comes into view is compared with what it was then, not at the next look', async (t) => {
  const folder = t.testdir({ a: '1', b: '1' });
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  const { watch, calledBack } = watching(t, [a]);
  await calledBack(1);
  t.equal(await watch.follow([a, b]), true);
  writeFileSync(b, 'more');
  await calledBack(2);
  t.equal(await watch.follow([a, b]), false);
  writeFileSync(a, 'more');
  t.equal(await watch.follow([a]), false, 'what is known of a file stays known');
  await calledBack(3);
});

test('a folder whose links lead back into it, and a link that is swapped', async (t) => {
  const folder = t.testdir();
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'x.rego'), version);
  }
  for (const name of ['self', 'me']) symlinkSync('.', join(folder, name));
  symlinkSync('v1', join(folder, 'current'));
  symlinkSync('current/x.rego', join(folder, 'x.rego'));
  const { calledBack } = watching(t, [folder]);
  await calledBack(1);
  symlinkSync('v2', join(folder, 'next'));
  renameSync(join(folder, 'next'), join(folder, 'current'));
  await calledBack(2);
});
