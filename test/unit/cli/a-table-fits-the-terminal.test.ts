import fc from 'fast-check';
import { test } from 'tap';
import { fold, painter, table } from '../../../proxy/cli/render.ts';

const columns = [{ title: 'name' }, { title: 'why', shrinkTo: 10 }];

test('columns line up, and only as wide as they need to be', async (t) => {
  t.equal(
    table(
      [
        ['a', 'short'],
        ['longer', 'x'],
      ],
      columns,
      80,
    ),
    ['name    why', '------  -----', 'a       short', 'longer  x'].join('\n'),
  );
});

test('prose is folded at spaces where the terminal is narrow', async (t) => {
  t.same(
    table([['a', 'one two three four']], columns, 18)
      .split('\n')
      .slice(2),
    ['a     one two', '      three four'],
  );
});

test('colour does not count as width', async (t) => {
  const green = painter(true)('green', 'ok');
  t.match(table([[green, 'x']], columns, 80), `${green}    x`);
  t.equal(painter(false)('green', 'ok'), 'ok');
});

test('folding loses nothing but spaces and keeps to the width', async () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z ]{0,60}$/), fc.integer({ min: 1, max: 20 }), (text, width) => {
      const lines = fold(text, width);
      return (
        lines.every((line) => line.length <= width) && lines.join('').replaceAll(' ', '') === text.replaceAll(' ', '')
      );
    }),
  );
});
