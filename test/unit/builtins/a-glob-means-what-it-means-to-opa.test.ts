import fc from 'fast-check';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import type { Value } from '../../../policy/value/value.ts';
import { call } from './call.ts';

const matches = (glob: string, delimiters: Value, value: string) => call('glob.match', glob, delimiters, value);

test('a star stops at delimiters, two do not; no array means none, an empty one the dot', async (t) => {
  t.equal(matches('*.github.com', [], 'api.github.com'), true);
  t.equal(matches('*.github.com', [], 'api.cdn.github.com'), false);
  t.equal(matches('*.github.com', null, 'api.cdn.github.com'), true);
  t.equal(matches('**.github.com', [], 'api.cdn.github.com'), true);
  t.equal(matches('/a/*/c', ['/'], '/a/b/c'), true);
  t.equal(matches('/a/*/c', ['/'], '/a/b/b/c'), false);
  t.equal(matches('?at', [], '.at'), false);
  t.equal(matches('?at', [], '\u{1f600}at'), true);
  t.equal(matches('a*b', [':', '\u{1f600}'], 'a\u{1f600}b'), false);
});

test('the whole text has to match, and a line break is a character', async (t) => {
  t.equal(matches('a', null, 'ab'), false);
  t.equal(matches('a*c', null, 'a\nc'), true);
  t.equal(matches('', null, ''), true);
  t.equal(matches('', null, 'a'), false);
});

test('sets, ranges, alternatives and escapes', async (t) => {
  t.equal(matches('[!a]b', null, '^b'), true);
  t.equal(matches('[^a]b', null, '^b'), true, '^ is a character of the set');
  t.equal(matches('[^a]b', null, 'cb'), false);
  t.equal(matches('[a-c]', null, 'b'), true);
  t.equal(matches('[abc-e]', null, '-'), true, 'a dash is a range only between two characters alone');
  t.equal(matches('{cat,bat,[fr]at}s', null, 'rats'), true);
  t.equal(matches('{a,{b,c*}}', null, 'cx'), true);
  t.equal(matches('{,a}', null, ''), true);
  t.equal(matches('a,}', null, 'a,}'), true, 'outside of a group');
  t.equal(matches('\\*\\\\', null, '*\\'), true);
  t.equal(matches('(.+)|$', null, '(.+)|$'), true, 'what a regular expression would read otherwise');
});

test('what is no glob, and delimiters that are no characters, fail', async (t) => {
  for (const bad of ['{a', '[a', '[]', '[!]', '[c-a]', '[a-c', '[a-cd]', 'a\\']) {
    t.throws(() => matches(bad, null, 'a'), BuiltinError, bad);
  }
  for (const delimiters of ['.', {}, [''], ['ab'], [1], [null]]) {
    t.throws(() => matches('a', delimiters, 'a'), BuiltinError, JSON.stringify(delimiters));
  }
});

test('a quoted text matches itself and nothing else', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('*', 'a', '\\', '[') }), (a, b) => {
      const glob = call('glob.quote_meta', a) as string;
      return matches(glob, null, a) === true && matches(glob, null, b) === (a === b);
    }),
  );
});

test('the automaton agrees with trying every way', async () => {
  const piece = fc.constantFrom('a', 'b', '/', '*', '**', '?', '[ab]', '[!a]');
  const value = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), value, (pieces, text) => {
      // Two single stars side by side read as a double one.
      const glob = pieces.filter((one, i) => !(one.startsWith('*') && pieces[i - 1]?.startsWith('*')));
      return matches(glob.join(''), ['/'], text) === tryAll(glob, text);
    }),
    { numRuns: 1_000 },
  );
});

function tryAll([first, ...rest]: readonly string[], text: string): boolean {
  if (first === undefined) return text === '';
  const head = text[0];
  const tail = text.slice(1);
  if (first === '*' || first === '**') {
    const extends_ = head !== undefined && (first === '**' || head !== '/') && tryAll([first, ...rest], tail);
    return extends_ || tryAll(rest, text);
  }
  if (head === undefined) return false;
  const taken = { '?': head !== '/', '[ab]': head !== '/', '[!a]': head !== 'a' }[first] ?? head === first;
  return taken && tryAll(rest, tail);
}
