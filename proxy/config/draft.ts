import type { Address } from './config.ts';
import type { Path, Position } from './problem.ts';
import type { YamlNode } from './yaml-document.ts';

type Leaf = string | number | boolean | undefined | Address | ReadonlyMap<unknown, unknown>;

/** `T` as it is while the file still has problems: any part may be missing. Checks that span keys read this. */
export type Draft<T> = T extends Leaf
  ? T
  : T extends readonly (infer Item)[]
    ? readonly (Draft<Item> | undefined)[]
    : { readonly [K in keyof T]: Draft<T[K]> | undefined };

/** Where a value stands; for one that comes from a default, where the section around it begins. */
export function locate(root: YamlNode, path: Path): Position {
  let node = root;
  for (const step of path) {
    const child =
      node.kind === 'map'
        ? node.entries.find(({ key }) => key === step)?.value
        : node.kind === 'list'
          ? node.items[Number(step)]
          : undefined;
    if (child === undefined) return node.at;
    node = child;
  }
  return node.at;
}
