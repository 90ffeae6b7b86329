import type { TemplateSegment } from './config/route-template.ts';

/** A place in the tree of templates; `R` is what a leaf holds per method. */
type Node<R> = {
  readonly literals: Map<string, Node<R>>;
  parameter: Node<R> | undefined;
  rest: Map<string, R> | undefined;
  methods: Map<string, R> | undefined;
};

export type Match<R> =
  | { readonly kind: 'found'; readonly route: R }
  | { readonly kind: 'other-methods'; readonly allowed: readonly string[] }
  | { readonly kind: 'none' };

export type Router<R> = (method: string, segments: readonly string[]) => Match<R>;

type Entry<R> = {
  readonly methods: readonly string[];
  readonly template: readonly TemplateSegment[];
  readonly route: R;
};

const node = <R>(): Node<R> => ({ literals: new Map(), parameter: undefined, rest: undefined, methods: undefined });

/**
 * Compares a path with all templates at once: segment by segment a literal wins over a parameter, and a parameter over
 * `{rest...}`, so that a path has one route whatever the order of the configuration.
 */
export function createRouter<R>(entries: readonly Entry<R>[]): Router<R> {
  const root = node<R>();
  for (const entry of entries) insert(root, entry);
  return (method, segments) => {
    const methods = find(root, segments);
    if (methods === undefined) return { kind: 'none' };
    const route = methods.get(method);
    return route === undefined ? { kind: 'other-methods', allowed: [...methods.keys()] } : { kind: 'found', route };
  };
}

function insert<R>(root: Node<R>, { template, methods, route }: Entry<R>): void {
  let at = root;
  for (const segment of template) {
    if (segment.kind === 'rest') {
      at.rest ??= new Map();
      for (const method of methods) at.rest.set(method, route);
      return;
    }
    at = segment.kind === 'literal' ? literalChild(at, segment.text) : (at.parameter ??= node());
  }
  at.methods ??= new Map();
  for (const method of methods) at.methods.set(method, route);
}

function literalChild<R>(at: Node<R>, text: string): Node<R> {
  const child = at.literals.get(text) ?? node<R>();
  at.literals.set(text, child);
  return child;
}

/** Depth is bounded by the deepest template, and each level tries at most three ways. */
function find<R>(at: Node<R>, segments: readonly string[], index = 0): Map<string, R> | undefined {
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
