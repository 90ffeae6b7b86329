import fc from 'fast-check';
import { test } from 'tap';
import type { TemplateSegment } from '../../../proxy/config/route-template.ts';
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
        const found = createRouter(order)('GET', segments);
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
  t.same(router('PUT', ['a']), { kind: 'found', route: 'write' });
  t.same(router('DELETE', ['a']), { kind: 'other-methods', allowed: ['GET', 'POST', 'PUT'] });
  t.same(router('get', ['a']), { kind: 'other-methods', allowed: ['GET', 'POST', 'PUT'] });
  t.same(router('GET', ['A']), { kind: 'none' }, 'case counts (CVE-2025-46821)');
  t.end();
});
