import { unescapeToken } from '../../json/pointer.ts';
import { keyOf } from '../../value/key.ts';
import { entriesOf, insert } from '../../value/object.ts';
import { sortedMembers } from '../../value/order.ts';
import { setOf } from '../../value/set.ts';
import { isArray, isScalar, type Key, type ObjectValue, RegoSet, typeName, type Value } from '../../value/value.ts';
import { BuiltinError, type Builtins } from '../builtin.ts';
import { mismatch, object } from '../operands.ts';

/** What paths name, as a tree: a member that is named itself, or the members below it that are. */
type Named = 'whole' | NamedMembers;
type NamedMembers = Map<Key, Named>;

/** A JSON pointer, which OPA also takes without its first slash, or the list of its parts. */
export function parsePath(path: Value): readonly Value[] {
  if (isArray(path)) return path;
  if (typeof path !== 'string') {
    throw new BuiltinError(`a path must be a string or an array of path segments but got ${typeName(path)}`);
  }
  return path === '' ? [] : path.replace(/^\/+/, '').split('/').map(unescapeToken);
}

function readPaths(paths: Value | undefined): NamedMembers {
  if (!isArray(paths) && !(paths instanceof RegoSet)) return mismatch(2, 'one of {set, array}', paths);
  const root: NamedMembers = new Map();
  for (const path of isArray(paths) ? paths : sortedMembers(paths)) addPath(root, parsePath(path));
  return root;
}

/** A shorter path wins over a longer one; one without parts names nothing. */
function addPath(root: NamedMembers, path: readonly Value[]): void {
  let members = root;
  const last = path.at(-1);
  if (last === undefined) return;
  for (const part of path.slice(0, -1)) {
    const key = keyOf(part);
    const below = members.get(key) ?? new Map<Key, Named>();
    if (below === 'whole') return;
    members.set(key, below);
    members = below;
  }
  members.set(keyOf(last), 'whole');
}

/** What is named, and what leads to it. */
function filter(value: Value, named: NamedMembers): Value {
  return rebuild(value, (child, key) => {
    const below = named.get(key);
    if (below === undefined) return undefined;
    return below === 'whole' ? child : filter(child, below);
  });
}

/** What is not named. */
function remove(value: Value, named: NamedMembers): Value {
  return rebuild(value, (child, key) => {
    const below = named.get(key);
    if (below === undefined) return child;
    return below === 'whole' ? undefined : remove(child, below);
  });
}

/** Each child replaced, or left out. A path names an item of an array by its decimal index, one of a set by itself. */
function rebuild(value: Value, replace: (child: Value, key: Key) => Value | undefined): Value {
  if (isScalar(value)) return value;
  if (isArray(value)) {
    return value.map((item, index) => replace(item, String(index))).filter((item) => item !== undefined);
  }
  if (value instanceof RegoSet) {
    const keys = value.members.keys();
    const members = value.members.values().map((item, position) => replace(item, keys[position] as Key));
    return setOf(members.filter((item) => item !== undefined));
  }
  let made: ObjectValue = {};
  for (const [key, child] of entriesOf(value)) {
    const replaced = replace(child, keyOf(key));
    if (replaced !== undefined) made = insert(made, key, replaced);
  }
  return made;
}

export const jsonPathsBuiltins: Builtins = {
  'json.filter': (_context, value, paths) => filter(object(value, 1), readPaths(paths)),
  'json.remove': (_context, value, paths) => remove(object(value, 1), readPaths(paths)),
};
