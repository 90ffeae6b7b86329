import { keyOf } from '../../value/key.ts';
import { partOf } from '../../value/part.ts';
import type { Key, Value } from '../../value/value.ts';

/** Looking through fewer elements is faster than finding their index. */
export const minIndexedElements = 32;

/** What is looked for in the elements, as one of the module's constants. */
export type IndexPaths = { readonly name: string; readonly paths: readonly (readonly string[])[] };

/** The positions of elements, ascending, by the keys of their parts. */
type Positions = number[];
type Index = Map<Key, Index | Positions>;

/** The lists of a data revision, which go with it. */
const known = new WeakMap<object, Map<string, Index>>();

/** Whether the elements stay what they are: data is frozen, and nothing else lives long enough for an index. */
export const isIndexed = (source: object, list: readonly unknown[]): boolean =>
  list.length >= minIndexedElements && Object.isFrozen(source);

/**
 * The positions of the elements whose parts equal the values, or undefined when an index cannot tell. `entries` says
 * that the list holds the entries of an object instead of elements.
 */
export function positionsOf(
  list: readonly unknown[],
  entries: boolean,
  { name, paths }: IndexPaths,
  ...values: readonly Value[]
): readonly number[] | undefined {
  // A composite value would have to be written out as text: comparing may be cheaper.
  if (values.some((value) => typeof value === 'object' && value !== null)) return undefined;
  const indexes = known.get(list) ?? new Map<string, Index>();
  known.set(list, indexes);
  const index = indexes.get(name) ?? buildIndex(list, entries, paths);
  indexes.set(name, index);
  let found: Index | Positions | undefined = index;
  for (const value of values) found = found instanceof Map ? found.get(keyOf(value)) : undefined;
  return found instanceof Map ? undefined : (found ?? none);
}

const none: readonly number[] = Object.freeze([]);

/** Not charged to the decision that comes first: it is done once for a data revision, and as large as that. */
function buildIndex(list: readonly unknown[], entries: boolean, paths: IndexPaths['paths']): Index {
  const root: Index = new Map();
  for (const [position, item] of list.entries()) {
    const element = (entries ? (item as readonly Value[])[1] : item) as Value;
    const keys = paths.map((path) => scalarKey(path.reduce<Value | undefined>(step, element)));
    // An element that lacks a part, or has a composite one, equals no scalar.
    if (!keys.includes(undefined)) put(root, keys as Key[], position);
  }
  return root;
}

const step = (value: Value | undefined, name: string): Value | undefined =>
  value === undefined ? undefined : partOf(value, name);

function scalarKey(value: Value | undefined): Key | undefined {
  return value === undefined || (typeof value === 'object' && value !== null) ? undefined : keyOf(value);
}

function put(root: Index, keys: readonly Key[], position: number): void {
  let node = root;
  for (const key of keys.slice(0, -1)) {
    const next = (node.get(key) as Index | undefined) ?? (new Map() as Index);
    node.set(key, next);
    node = next;
  }
  const last = keys.at(-1) as Key;
  const positions = node.get(last) as Positions | undefined;
  if (positions === undefined) node.set(last, [position]);
  else positions.push(position);
}

/** Where in the ascending positions those begin that come after one. */
export function firstAfter(positions: readonly number[], position: number): number {
  let [low, high] = [0, positions.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((positions[middle] as number) <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
