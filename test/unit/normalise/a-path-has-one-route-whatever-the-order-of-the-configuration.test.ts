import fc from 'fast-check';
import { test } from 'tap';
import { parseTemplate, type TemplateSegment } from '../../../proxy/config/route-template.ts';
import { readTarget } from '../../../proxy/normalise/target.ts';
import { createRouter } from '../../../proxy/router.ts';

type Entry = { methods: readonly string[]; template: readonly TemplateSegment[]; route: string };

const words = ['a', 'b', 'constructor', '__proto__'];
const segment: fc.Arbitrary<TemplateSegment> = fc.oneof(
  fc.constantFrom(...words).map((text) => ({ kind: 'literal', text }) as const),
  fc.constant({ kind: 'parameter', name: 'p' } as const),
);
const template = fc
  .tuple(fc.array(segment, { maxLength: 4 }), fc.boolean())
  .map(([segments, rest]) => (rest ? [...segments, { kind: 'rest', name: 'r' } as const] : segments));
const table: fc.Arbitrary<readonly Entry[]> = fc
  .uniqueArray(template, { maxLength: 8, selector: (segments) => JSON.stringify(segments) })
  .map((templates) =>
    templates.map((segments) => ({ methods: ['GET'], template: segments, route: JSON.stringify(segments) })),
  );
const path = fc.array(fc.constantFrom(...words, 'z'), { maxLength: 5 });

const plain = (segments: readonly string[]) => ({ segments, decodedSegments: segments });

/** The rule as the documentation says it: segment by segment a literal before a parameter before the rest. */
function specification(entries: readonly Entry[], segments: readonly string[]): string | undefined {
  const rank = { literal: 0, parameter: 1, rest: 2 };
  const ranked = entries
    .filter(({ template: parts }) => matches(parts, segments))
    .map((entry) => ({ entry, key: entry.template.map(({ kind }) => rank[kind]).join('') }))
    .toSorted((one, other) => (one.key < other.key ? -1 : 1));
  return ranked[0]?.entry.route;
}

function matches(parts: readonly TemplateSegment[], segments: readonly string[]): boolean {
  const rest = parts.at(-1)?.kind === 'rest';
  if (rest ? segments.length < parts.length : segments.length !== parts.length) return false;
  return parts.every((part, index) => part.kind !== 'literal' || part.text === segments[index]);
}

void test('the router finds what the rule says, in any order of the entries', (t) => {
  fc.assert(
    fc.property(table, path, fc.integer(), (entries, segments, seed) => {
      const wanted = specification(entries, segments);
      const shuffled = entries.toSorted((one, other) => hash(one.route, seed) - hash(other.route, seed));
      return [entries, shuffled].every((order) => {
        const found = createRouter(order)('GET', plain(segments));
        return found.kind === 'found' ? found.route === wanted : wanted === undefined;
      });
    }),
    { numRuns: 10_000 },
  );
  t.end();
});

function hash(text: string, seed: number): number {
  return text.split('').reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) | 0, seed);
}

void test('another method on a known path is told which ones there are', (t) => {
  const template: TemplateSegment[] = [{ kind: 'literal', text: 'a' }];
  const router = createRouter([
    { methods: ['GET'], template, route: 'read' },
    { methods: ['POST', 'PUT'], template, route: 'write' },
  ]);
  t.same(router('PUT', plain(['a'])), { kind: 'found', route: 'write' });
  t.same(router('DELETE', plain(['a'])), { kind: 'other-methods', allowed: ['GET', 'POST', 'PUT'] });
  t.same(router('get', plain(['a'])), { kind: 'other-methods', allowed: ['GET', 'POST', 'PUT'] });
  t.same(router('GET', plain(['A'])), { kind: 'none' }, 'case counts (CVE-2025-46821)');
  t.end();
});

function routing(templates: readonly string[]): (target: string, method?: string) => string {
  const router = createRouter(
    templates.map((path) => ({ methods: ['GET'], template: parseTemplate(path), route: path })),
  );
  return (target, method = 'GET') => {
    const read = readTarget(target);
    if ('code' in read) throw new Error(`${target}: ${read.detail}`);
    const match = router(method, read);
    return match.kind === 'found' ? match.route : match.kind;
  };
}

void test('a literal that is encoded otherwise takes no other route, and not its own', (t) => {
  const route = routing([
    '/v1/jobs:purge',
    '/v1/{id}',
    '/users/@me',
    '/users/{id}/{what}',
    '/files/{all...}',
    '/files/a,b',
  ]);
  for (const character of "!$&'()*+,=:@") {
    const encoded = `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
    const guarded = routing([`/v1/a${character}b/c`, '/v1/{id}/{what}', '/{all...}']);
    t.equal(guarded(`/v1/a${character}b/c`), `/v1/a${character}b/c`);
    t.equal(guarded(`/v1/a${encoded}b/c`), 'other-spelling', encoded);
    t.equal(guarded(`/v1/a${encoded}c/c`), '/v1/{id}/{what}', 'no literal, no second meaning');
    t.equal(guarded(`/v1/a${encoded}b/${encoded}`), '/v1/{id}/{what}', 'decoded it is the path of this route too');
  }
  t.equal(route('/v1/jobs:purge'), '/v1/jobs:purge');
  t.equal(route('/v1/jobs%3Apurge'), 'other-spelling');
  t.equal(route('/v1/jobs%3Apurge', 'POST'), 'other-methods', 'as without the encoding');
  t.equal(route('/v1/mail%40example.com'), '/v1/{id}');
  t.equal(route('/users/%40me'), 'other-spelling');
  t.equal(route('/files/a%2Cb'), 'other-spelling');
  t.equal(route('/files/a%2Cb/c'), '/files/{all...}');
  t.end();
});

void test('a template that is encoded stands for that spelling only', (t) => {
  const one = routing(['/users/%40me', '/caf%C3%A9', '/{id}', '/users/{id}']);
  t.equal(one('/users/%40me'), '/users/%40me');
  t.equal(one('/users/@me'), 'other-spelling', 'the plain spelling is the other one here');
  t.equal(one('/users/@you'), '/users/{id}');
  t.equal(one('/caf%C3%A9'), '/caf%C3%A9');
  t.equal(one('/caf%C3%A8'), '/{id}');
  const both = routing(['/users/%40me', '/users/@me', '/users/{id}', '/users/{id}/{what}', '/users/@me/keys']);
  t.equal(both('/users/%40me'), '/users/%40me');
  t.equal(both('/users/@me'), '/users/@me');
  t.equal(both('/users/%40me/keys'), 'other-spelling', 'not by way of the other spelling either');
  t.end();
});
