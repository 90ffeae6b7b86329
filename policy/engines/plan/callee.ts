import type { Value } from '../../value/value.ts';

type Maybe = Value | undefined;
export type Callee = (input: Maybe, data: Maybe) => Maybe;

/** Functions by the path under which a dynamic call looks for them. */
export type CalleeTree = { readonly below: Map<string, CalleeTree>; callee: Callee | undefined };

export function calleeTree(
  functions: readonly Callee[],
  paths: readonly (readonly string[] | undefined)[],
): CalleeTree {
  const root: CalleeTree = { below: new Map(), callee: undefined };
  for (const [index, path] of paths.entries()) {
    if (path === undefined) continue;
    let node = root;
    for (const name of path) {
      const next: CalleeTree = node.below.get(name) ?? { below: new Map(), callee: undefined };
      node.below.set(name, next);
      node = next;
    }
    node.callee = functions[index];
  }
  return root;
}

export function callee(tree: CalleeTree, path: readonly Maybe[]): Callee | undefined {
  let node: CalleeTree | undefined = tree;
  for (const name of path) {
    if (typeof name !== 'string') return undefined;
    node = node.below.get(name);
    if (node === undefined) return undefined;
  }
  return node.callee;
}
