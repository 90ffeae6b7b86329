import fc from 'fast-check';
import { dirname } from 'node:path';
import { test } from 'tap';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { good, world, writeFolder } from './folder.ts';

const punctuation = [
  '',
  ' ',
  '\n',
  '\t',
  ':',
  '-',
  '#',
  '[',
  ']',
  '{',
  '}',
  '"',
  "'",
  '!',
  '|',
  '>',
  '%',
  '&a',
  '*a',
  '---\n',
];
const values = [
  'null',
  '~',
  'true',
  '0',
  '-1',
  '1e400',
  '.nan',
  '99999999999999999999',
  '\0',
  '\u001b',
  '\ufeff',
  '\ud800',
];
const nearMisses = [
  '__proto__: 1\n',
  'constructor',
  '1m',
  '64MiB',
  'unix:',
  '0.0.0.0:1',
  'spiffe://',
  '/{a...}',
  '../..',
];
const words = fc.constantFrom(...punctuation, ...values, ...nearMisses);

type Edit = { readonly at: number; readonly remove: number; readonly insert: string };

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(good.length),
  remove: fc.nat(12),
  insert: fc.oneof({ weight: 3, arbitrary: words }, fc.string({ unit: 'binary', maxLength: 6 })),
});

const lines = good.split('\n');
const swapLines = fc.tuple(fc.nat(lines.length - 1), fc.nat(lines.length - 1));

test('any damage to a good configuration yields a configuration or problems with places in it', async (t) => {
  const file = writeFolder(t.testdir(), good);
  let survived = 0;
  const damaged = (text: string) => ({ ...world, readFile: reader(file, text) });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 4 }), swapLines, async (edits, [from, to]) => {
      const shuffled = from === to ? lines : lines.toSpliced(from, 1).toSpliced(to, 0, lines[from] ?? '');
      const text = edits.reduce(
        (so, { at, remove, insert }) => so.slice(0, at) + insert + so.slice(at + remove),
        shuffled.join('\n'),
      );
      const loaded = await loadConfig(file, damaged(text));
      if (loaded.ok) {
        survived += 1;
        return Object.isFrozen(loaded.config);
      }
      return (
        loaded.problems.length > 0 &&
        loaded.problems.every(({ file: where, line, column, message }) => {
          const inside = where !== file || line <= text.split(/\r\n|\r|\n/).length;
          return where.startsWith(dirname(file)) && inside && line >= 1 && column >= 1 && message !== '';
        })
      );
    }),
    { numRuns: 200, examples: [[[], [0, 0]]] },
  );
  t.ok(survived > 0, `${survived} of 200 were still good`);
});

function reader(config: string, text: string): typeof world.readFile {
  return async (path) => (path === config ? Buffer.from(text, 'utf8') : world.readFile(path));
}
