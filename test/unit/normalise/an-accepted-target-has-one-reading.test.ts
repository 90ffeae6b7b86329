import fc from 'fast-check';
import { test } from 'tap';
import { readTarget, type Target } from '../../../proxy/normalise/target.ts';

/** Pieces that paths are made of, good and bad; a random string of them is accepted often enough to be worth trying. */
const pieces = [
  ...'/ / / / a b A 0 . .. ... - _ ~ ; : @ ! $ & \' ( ) * + , = ? # \\ % [ ] { | } " < > ^ `'.split(' '),
  ...'%2F %2f %5C %2E %2e %25 %252e %3B %3b %00 %0A %1F %7F %20 %23 %3F %C3%A9 %c3%a9 %E2%82%AC %C0%AF %ED%A0%80'.split(
    ' ',
  ),
  ...'%41 %61 %30 %7E %40 %22 %5B é \0 \t //'.split(' '),
];
const targets = fc
  .array(fc.constantFrom(...pieces), { maxLength: 12 })
  .map((parts) => `/${parts.join('')}`)
  .map((text) => (text.startsWith('/') ? text : `/${text}`));

const accepted = (text: string): Target | undefined => {
  const target = readTarget(text);
  return 'code' in target ? undefined : target;
};

void test('the WHATWG URL parser changes nothing in a target that is accepted', (t) => {
  let count = 0;
  fc.assert(
    fc.property(targets, (text) => {
      const target = accepted(text);
      if (target === undefined) return true;
      count += 1;
      const url = new URL(text, 'http://host.example');
      const theirs = [...url.searchParams];
      const ours = target.query.filter(([name, value]) => name !== '' || value !== '');
      return (
        url.host === 'host.example' &&
        url.pathname === target.path &&
        url.hash === '' &&
        JSON.stringify(theirs.filter(([name, value]) => name !== '' || value !== '')) === JSON.stringify(ours)
      );
    }),
    { numRuns: 20_000 },
  );
  t.ok(count > 1000, `${count} of 20,000 were accepted`);
  t.end();
});

void test('decoding an accepted path once more, or not at all, names the same thing', (t) => {
  fc.assert(
    fc.property(targets, (text) => {
      const target = accepted(text);
      if (target === undefined) return true;
      const { segments, decodedSegments } = target;
      return (
        segments.length === decodedSegments.length &&
        decodedSegments.every((segment) => segment !== '' && segment !== '.' && segment !== '..') &&
        decodedSegments.every((segment) => !/[/\\;%\0-\x1f\x7f]/.test(segment)) &&
        decodedSegments.every((segment) => decodeURIComponent(segment) === segment)
      );
    }),
    { numRuns: 20_000 },
  );
  t.end();
});

void test('no two accepted paths differ only in how a letter, a digit or -._~ is written', (t) => {
  const unreserved = fc.constantFrom(...'abcXYZ019-._~'.split(''));
  fc.assert(
    fc.property(unreserved, fc.boolean(), (character, lower) => {
      const hex = character.charCodeAt(0).toString(16);
      const encoded = `%${lower ? hex : hex.toUpperCase()}`;
      return accepted(`/x${character}x`) !== undefined && accepted(`/x${encoded}x`) === undefined;
    }),
  );
  t.end();
});

void test('any string is either refused or read, and never thrown at', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), targets), (text) => {
      const target = readTarget(text);
      return 'code' in target ? target.code === 'ambiguous-target' : target.target === text;
    }),
    { numRuns: 20_000 },
  );
  t.end();
});
