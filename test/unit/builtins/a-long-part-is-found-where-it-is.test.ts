import fc from 'fast-check';
import { test } from 'tap';
import { indexOf, occurrences, splitAt } from '../../../policy/builtins/strings/search.ts';

/** Few letters and much repetition: where a search that forgets what it has seen goes wrong. */
const texts = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 });

test('long parts are found where JavaScript finds them', async (t) => {
  fc.assert(
    fc.property(texts, texts, texts, fc.nat(900), (before, unit, after, from) => {
      const part = `${unit}a`.repeat(300).slice(0, 301);
      const text = `${before}${part}${after}${part}${part.slice(1)}${before}`;
      return (
        part.length > 250 &&
        indexOf(text, part, from) === text.indexOf(part, from) &&
        splitAt(text, part).join('|') === text.split(part).join('|') &&
        [...occurrences(text, part)].length === text.split(part).length - 1
      );
    }),
  );
  t.equal(indexOf('abc', 'c'), 2);
  t.same([...occurrences('aXbXc', 'X')], [1, 3]);
  t.same(splitAt('aXbXc', 'X'), ['a', 'b', 'c']);
});
