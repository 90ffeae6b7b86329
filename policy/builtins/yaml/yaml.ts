import { textOf } from '../../value/bytes.ts';
import { wholeOf } from '../../value/decimal.ts';
import { entriesOf, insert, member } from '../../value/object.ts';
import { compareStrings, sortedEntries, sortedMembers } from '../../value/order.ts';
import { jsonText } from '../../value/text.ts';
import {
  isArray,
  isNumber,
  isObject,
  type NumberValue,
  type ObjectValue,
  RegoSet,
  type Value,
} from '../../value/value.ts';
import {
  type Alias,
  aliasTargets,
  type Document,
  type Node,
  readYamlText,
  type Scalar,
  shapeOf,
  styledString,
  type YAMLMap,
  yamlOf,
} from '../../yaml.ts';
import { bytesOfBase64 } from '../encoding/base64.ts';
import { attempt, type BuiltinContext, BuiltinError, type Builtins } from '../builtin.ts';
import { text } from '../operands.ts';
import { readsAsString, resolvePlain, type ScalarValue } from './scalar.ts';

/** The library takes up to 5 us for a byte. */
const maxLength = 65_536;
const stepsPerCharacter = 50;
/** Measured: 7 us. */
const stepsPerWrittenValue = 150;
/** Measured: 4 us, for one that is merged into a map. */
const stepsPerAliasedValue = 80;
/** What aliases stand for is copied where they stand, so nested ones multiply ("billion laughs", CVE-2003-1564). */
const maxAliased = 100_000;
const maxDepth = 500;

/** The first document of a text, of which all have to be well-formed, as in OPA. Throws BuiltinError. */
export function readYaml(context: BuiltinContext, yaml: string): Value {
  if (yaml.length > maxLength) throw new BuiltinError(`the YAML is longer than ${maxLength} characters`);
  context.charge(yaml.length * stepsPerCharacter);
  const { documents } = readYamlText(yaml, { schema: 'failsafe', stringKeys: false });
  const error = documents.flatMap(({ errors }) => errors)[0];
  if (error !== undefined) throw new BuiltinError(`not YAML: ${error.message}`);
  const [document] = documents;
  return document === undefined ? null : new Reading(context, document).value(document.contents, []);
}

/** One document on its way to a value; owns what aliases may still bring. */
class Reading {
  readonly #context: BuiltinContext;
  readonly #targets: ReadonlyMap<Alias, Node | undefined>;
  #aliased = 0;
  #aliases = 0;

  constructor(context: BuiltinContext, document: Document.Parsed) {
    this.#context = context;
    this.#targets = aliasTargets(document);
  }

  /** `above` are the nodes around this one: an alias to one of them would never end. */
  value(node: Node | null, above: readonly Node[]): Value {
    if (above.length > maxDepth) throw new BuiltinError(`the YAML is nested deeper than ${maxDepth} levels`);
    if (this.#aliases > 0) this.#spend();
    const shape = shapeOf(node);
    switch (shape.kind) {
      case 'alias':
        return this.#resolve(this.#targets.get(shape.node), above);
      case 'map':
        return this.#map(shape.node, [...above, shape.node]);
      case 'list':
        return shape.node.items.map((item) => this.value(item as Node | null, [...above, shape.node]));
      case 'scalar':
        return shape.node === undefined ? null : scalarValue(shape.node);
    }
  }

  #spend(): void {
    this.#context.charge(stepsPerAliasedValue);
    if (++this.#aliased > maxAliased)
      throw new BuiltinError(`the YAML's aliases stand for more than ${maxAliased} values`);
  }

  #resolve(target: Node | undefined, above: readonly Node[]): Value {
    if (target === undefined) throw new BuiltinError('the YAML has an alias without an anchor');
    if (above.includes(target)) throw new BuiltinError('an alias of the YAML contains itself');
    this.#aliases++;
    const value = this.value(target, above);
    this.#aliases--;
    return value;
  }

  /** Of two members with one name the last counts; one that is written out counts more than a merged one. */
  #map(map: YAMLMap, above: readonly Node[]): ObjectValue {
    let object: ObjectValue = {};
    const merged: Value[] = [];
    for (const { key, value: child } of map.items) {
      const value = this.value(child as Node | null, above);
      if (isMergeKey(key)) merged.push(...(isArray(value) ? value : [value]));
      else object = insert(object, this.#key(key), value);
    }
    for (const other of merged) object = withDefaults(object, other);
    return object;
  }

  #key(node: unknown): string {
    const shape = shapeOf(node);
    const target = shape.kind === 'alias' ? shapeOf(this.#targets.get(shape.node)) : shape;
    const key = target.kind === 'scalar' && target.node !== undefined ? resolveScalar(target.node) : null;
    if (key === null) throw new BuiltinError('a key of the YAML is null or no scalar');
    if (typeof key !== 'number' || Number.isFinite(key)) return String(key);
    return Number.isNaN(key) ? '.nan' : key < 0 ? '-.inf' : '.inf';
  }
}

function isMergeKey(key: unknown): boolean {
  const { kind, node } = shapeOf(key);
  return kind === 'scalar' && node?.type === 'PLAIN' && node.value === '<<';
}

function withDefaults(object: ObjectValue, defaults: Value): ObjectValue {
  if (!isObject(defaults)) throw new BuiltinError('only a map can be merged into a map of the YAML');
  return sortedEntries(defaults).reduce(
    (made, [key, value]) => (member(made, key) === undefined ? insert(made, key, value) : made),
    object,
  );
}

function scalarValue(node: Scalar): Value {
  const value = resolveScalar(node);
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  throw new BuiltinError('infinity and NaN are no numbers of Rego');
}

function resolveScalar({ type, tag, value }: Scalar): ScalarValue {
  const written = String(value);
  if (tag === undefined) return type === 'PLAIN' ? resolvePlain(written) : written;
  if (tag === 'tag:yaml.org,2002:binary') return textOf(bytesOfBase64(written.replaceAll(/\s/g, '')));
  const wanted = types.get(tag);
  if (wanted === undefined) return written;
  const resolved = resolvePlain(written);
  if (wanted(resolved)) return resolved;
  throw new BuiltinError('a scalar of the YAML is not what its tag says');
}

const types: ReadonlyMap<string, (value: Value) => boolean> = new Map([
  ['tag:yaml.org,2002:null', (value) => value === null],
  ['tag:yaml.org,2002:bool', (value) => typeof value === 'boolean'],
  ['tag:yaml.org,2002:int', (value) => typeof value === 'bigint' || Number.isSafeInteger(value)],
  ['tag:yaml.org,2002:float', (value) => typeof value === 'number' || typeof value === 'bigint'],
]);

/** What the library writes as OPA does: maps that keep their order, and scalars that know how they are quoted. */
function writable(context: BuiltinContext, value: Value): unknown {
  context.charge(stepsPerWrittenValue);
  if (typeof value === 'string') return stringNode(value);
  // Go's library takes what is no double for text.
  if (isNumber(value)) return Number.isFinite(Number(value)) ? numberNode(value) : stringNode(String(value));
  if (value === null || typeof value !== 'object') return value;
  if (isArray(value)) return value.map((item) => writable(context, item));
  if (value instanceof RegoSet) return sortedMembers(value).map((item) => writable(context, item));
  const named = entriesOf(value).map(([key, child]) => [typeof key === 'string' ? key : jsonText(key), child] as const);
  named.sort(([a], [b]) => compareStrings(a, b));
  return new Map(named.map(([key, child]) => [stringNode(key), writable(context, child)]));
}

function stringNode(written: string): Scalar {
  if (isBlock(written)) return styledString(written, 'block');
  return styledString(written, readsAsString(written) ? 'plain' : 'quoted');
}

/** Several lines that can stand as they are: spaces at their beginning or end would have to be told from indentation. */
function isBlock(written: string): boolean {
  return written.includes('\n') && !/^[ \n]| (?:\n|$)|[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]/.test(written);
}

/** Every digit of a 64-bit integer; Go writes a larger one as a float. */
function numberNode(number: NumberValue): number | bigint {
  const isWhole = typeof number === 'bigint' || Number.isInteger(number);
  const whole = isWhole ? wholeOf(number) : undefined;
  return whole !== undefined && BigInt.asIntN(64, whole) === whole ? whole : Number(number);
}

export const yamlBuiltins: Builtins = {
  'yaml.marshal': (context, value) => yamlOf(writable(context, value as Value)),
  'yaml.unmarshal': (context, yaml) => readYaml(context, text(yaml, 1)),
  'yaml.is_valid': (context, yaml) => typeof yaml === 'string' && attempt(() => readYaml(context, yaml)) !== undefined,
};
