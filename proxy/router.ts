import type { TemplateSegment } from './config/route-template.ts';

/** A place in the tree of templates. Literals stand in it decoded, as a workload may read them. */
type Node<R> = {
  readonly literals: Map<string, Node<R>>;
  parameter: Node<R> | undefined;
  rest: Leaf<R> | undefined;
  methods: Leaf<R> | undefined;
};

/** Per method the routes that take it, as many as the configuration has spellings of one path: `/@me`, `/%40me`. */
type Leaf<R> = Map<string, Spelled<R>[]>;

type Spelled<R> = { readonly template: readonly TemplateSegment[]; readonly route: R };

export type Match<R> =
  | { readonly kind: 'found'; readonly route: R }
  | { readonly kind: 'other-methods'; readonly allowed: readonly string[] }
  /** Decoded it is the path of a route whose literals are spelled otherwise. */
  | { readonly kind: 'other-spelling' }
  | { readonly kind: 'none' };

/** A path as it was sent and as it is decoded; one and the same list where nothing in it is encoded. */
type Path = { readonly segments: readonly string[]; readonly decodedSegments: readonly string[] };

export type Router<R> = (method: string, path: Path) => Match<R>;

type Entry<R> = {
  readonly methods: readonly string[];
  readonly template: readonly TemplateSegment[];
  readonly route: R;
};

const node = <R>(): Node<R> => ({ literals: new Map(), parameter: undefined, rest: undefined, methods: undefined });

/**
 * Compares a path with all templates at once: segment by segment a literal wins over a parameter, and a parameter over
 * `{rest...}`, so that a path has one route whatever the order of the configuration.
 *
 * It is found by the decoded path, and its literals must be spelled as they are in the template: `/jobs%3Apurge` takes
 * neither `/jobs:purge` nor `/{id}`, because a workload that decodes before it routes would do what another route
 * guards (CWE-177, CWE-436).
 */
export function createRouter<R>(entries: readonly Entry<R>[]): Router<R> {
  const root = node<R>();
  for (const entry of entries) insert(root, entry);
  const isPlain = !entries.some(({ template }) => template.some(isEncoded));
  return (method, { segments, decodedSegments }) => {
    const leaf = find(root, decodedSegments);
    if (leaf === undefined) return { kind: 'none' };
    const routes = leaf.get(method);
    if (routes === undefined) return { kind: 'other-methods', allowed: [...leaf.keys()] };
    const spelled =
      isPlain && segments === decodedSegments
        ? routes[0]
        : routes.find(({ template }) => isSpelledAs(template, segments));
    return spelled === undefined ? { kind: 'other-spelling' } : { kind: 'found', route: spelled.route };
  };
}

const isEncoded = (segment: TemplateSegment): boolean => segment.kind === 'literal' && segment.text.includes('%');

function isSpelledAs(template: readonly TemplateSegment[], segments: readonly string[]): boolean {
  return template.every((segment, index) => segment.kind !== 'literal' || segment.text === segments[index]);
}

function insert<R>(root: Node<R>, { template, methods, route }: Entry<R>): void {
  const leaf = leafOf(root, template);
  for (const method of methods) leaf.set(method, [...(leaf.get(method) ?? []), { template, route }]);
}

function leafOf<R>(root: Node<R>, template: readonly TemplateSegment[]): Leaf<R> {
  let at = root;
  for (const segment of template) {
    if (segment.kind === 'rest') return (at.rest ??= new Map());
    at = segment.kind === 'literal' ? literalChild(at, segment.text) : (at.parameter ??= node());
  }
  return (at.methods ??= new Map());
}

function literalChild<R>(at: Node<R>, text: string): Node<R> {
  const decoded = decodeURIComponent(text); // UTF-8, or there would be no template
  const child = at.literals.get(decoded) ?? node<R>();
  at.literals.set(decoded, child);
  return child;
}

/** Depth is bounded by the deepest template, and each level tries at most three ways. */
function find<R>(at: Node<R>, segments: readonly string[], index = 0): Leaf<R> | undefined {
  const segment = segments[index];
  if (segment === undefined) return at.methods;
  // Asking a map costs the hash of the segment, which nobody needs where there is no literal.
  const literal = at.literals.size === 0 ? undefined : at.literals.get(segment);
  return (
    (literal && find(literal, segments, index + 1)) ??
    (at.parameter && find(at.parameter, segments, index + 1)) ??
    at.rest
  );
}
