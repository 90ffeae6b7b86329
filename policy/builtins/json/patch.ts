import { keyOf } from '../../value/key.ts';
import { copyOf, entriesOf, insert, member, objectOf, sizeOf } from '../../value/object.ts';
import { equalValues } from '../../value/order.ts';
import { filtered, setOf } from '../../value/set.ts';
import { isArray, isObject, isScalar, type Key, type ObjectValue, RegoSet, type Value } from '../../value/value.ts';
import { type BuiltinContext, BuiltinError, type Builtins } from '../builtin.ts';
import { parsePath } from './paths.ts';
import { array, text } from '../operands.ts';

/*
 * RFC 6902, and as in OPA also over sets, whose members are named by themselves, and with paths as lists of keys. Every
 * operation makes the containers along its path anew: that work is charged.
 *
 * OPA 1.22 brings an item back that a patch has removed when a later operation reaches through its index, and crashes
 * when the whole document is removed. Here the former does what the RFC says and the latter fails.
 */

type Path = readonly Value[];
type Container = readonly Value[] | ObjectValue | RegoSet;
/** The whole document may be gone between "remove" and "add". */
type Document = Value | undefined;

/**
 * How many values all copies of one patch may hold: two that copy the whole into itself double it each time, and a
 * patch may come from a request ("billion laughs", CVE-2003-1564).
 */
const maxCopied = 1_000_000;
/** As deep as anything that is read (`value/read-json.ts`): each copy into its own depths doubles that, too. */
const maxDepth = 1_000;

function applyPatches(context: BuiltinContext, source: Value, patches: readonly Value[]): Value {
  let document: Document = source;
  const copies = { left: maxCopied };
  for (const patch of patches) {
    if (!isObject(patch)) throw new BuiltinError('a patch must be an object');
    document = applyPatch(context, document, patch, copies);
  }
  return present(document);
}

function applyPatch(
  context: BuiltinContext,
  document: Document,
  patch: ObjectValue,
  copies: { left: number },
): Document {
  const op = text(required(patch, 'op'), 2);
  const path = parsePath(required(patch, 'path'));
  switch (op) {
    case 'add':
      return addAt(context, document, path, required(patch, 'value'));
    case 'remove':
      return removeAt(context, document, path);
    case 'replace':
      return addAt(context, removeAt(context, document, path), path, required(patch, 'value'));
    case 'move': {
      const from = parsePath(required(patch, 'from'));
      const moved = valueAt(document, from);
      spend(context, { left: Infinity }, moved);
      return addAt(context, removeAt(context, document, from), path, moved);
    }
    case 'copy': {
      const copied = valueAt(document, parsePath(required(patch, 'from')));
      spend(context, copies, copied);
      return addAt(context, document, path, copied);
    }
    case 'test':
      if (equalValues(valueAt(document, path), required(patch, 'value'))) return document;
      throw new BuiltinError('a test of the patch fails');
    default:
      throw new BuiltinError('a patch has an unknown op');
  }
}

function required(patch: ObjectValue, name: string): Value {
  const value = member(patch, name);
  if (value === undefined) throw new BuiltinError(`a patch has no '${name}'`);
  return value;
}

/** Pays for each part of a value that comes to another place, which must not be too deep for it. */
function spend(context: BuiltinContext, copies: { left: number }, value: Value, depth = 0): void {
  context.charge(1);
  if (--copies.left < 0) throw new BuiltinError(`a patch copies more than ${maxCopied} values`);
  if (isScalar(value)) return;
  if (depth >= maxDepth) throw tooDeep();
  if (isArray(value)) for (const item of value) spend(context, copies, item, depth + 1);
  else if (value instanceof RegoSet) for (const item of value.members.values()) spend(context, copies, item, depth + 1);
  else for (const [, child] of entriesOf(value)) spend(context, copies, child, depth + 1);
}

const tooDeep = (): BuiltinError => new BuiltinError(`a patch reaches deeper than ${maxDepth} levels`);

function valueAt(document: Document, path: Path): Value {
  return path.reduce<Value>((value, key) => present(childOf(container(value), key)), present(document));
}

function addAt(context: BuiltinContext, document: Document, path: Path, value: Value): Value {
  if (path.length === 0) return value;
  return changeAt(context, present(document), path, (parent, key) => withChild(parent, key, value));
}

function removeAt(context: BuiltinContext, document: Document, path: Path): Document {
  if (path.length === 0) return void present(document);
  return changeAt(context, present(document), path, withoutChild);
}

type Change = (parent: Container, key: Value) => Value;

/** The value with the container that the path leads to changed. As deep as the value, however long the path. */
function changeAt(context: BuiltinContext, value: Value, path: Path, change: Change, at = 0): Value {
  if (at >= maxDepth) throw tooDeep();
  const parent = container(value);
  const key = path[at] as Value;
  context.charge(childCount(parent));
  if (at === path.length - 1) return change(parent, key);
  const child = changeAt(context, present(childOf(parent, key)), path, change, at + 1);
  if (isArray(parent)) return parent.with(indexOf(key, parent), child);
  if (parent instanceof RegoSet) return setOf([...without(parent, keyOf(key)).members.values(), child]);
  return withChild(parent, key, child);
}

function present(value: Value | undefined): Value {
  if (value === undefined) throw new BuiltinError('a path of the patch leads to nothing');
  return value;
}

function container(value: Value): Container {
  if (isScalar(value)) throw new BuiltinError('a path of the patch leads through a scalar');
  return value;
}

function childCount(parent: Container): number {
  if (isArray(parent)) return parent.length;
  return parent instanceof RegoSet ? parent.members.size : sizeOf(parent);
}

function childOf(parent: Container, key: Value): Value | undefined {
  if (isArray(parent)) return parent[indexOf(key, parent)];
  if (parent instanceof RegoSet) return parent.members.get(keyOf(key));
  return member(parent, key);
}

function withChild(parent: Container, key: Value, child: Value): Value {
  if (isArray(parent)) {
    const index = indexOf(key, parent);
    if (index > parent.length) throw new BuiltinError('an index of the patch is out of range');
    return parent.toSpliced(index, 0, child);
  }
  if (parent instanceof RegoSet) {
    if (!equalValues(key, child)) throw new BuiltinError('a member of a set must be added under its own name');
    return setOf([...parent.members.values(), child]);
  }
  return insert(copyOf(parent), key, child);
}

function withoutChild(parent: Container, key: Value): Value {
  present(childOf(parent, key));
  if (isArray(parent)) return parent.toSpliced(indexOf(key, parent), 1);
  const removed = keyOf(key);
  if (parent instanceof RegoSet) return without(parent, removed);
  return objectOf(entriesOf(parent).filter(([name]) => keyOf(name) !== removed));
}

const without = (set: RegoSet, removed: Key): RegoSet => filtered(set, (key) => key !== removed);

/** RFC 6901 section 4; `-` is the place after the last item. */
function indexOf(key: Value, items: readonly Value[]): number {
  if (key === '-') return items.length;
  if (typeof key === 'number' && Number.isSafeInteger(key) && key >= 0) return key;
  if (typeof key === 'string' && /^(?:0|[1-9][0-9]{0,8})$/.test(key)) return Number(key);
  throw new BuiltinError('a path of the patch has no index where it leads through an array');
}

export const jsonPatchBuiltins: Builtins = {
  'json.patch': (context, source, patches) => applyPatches(context, source as Value, array(patches, 2)),
};
