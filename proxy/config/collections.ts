import type { JsonSchema, Reading, Shape } from './shape.ts';
import type { YamlNode } from './yaml-document.ts';

type ListOptions = { readonly atLeast?: number; readonly unique?: boolean; readonly orOne?: boolean };

/** A list keeps its indexes while there are problems: what could not be read is `undefined` then (see `Draft`). */
export function listOf<T>(item: Shape<T>, options: ListOptions = {}): Shape<readonly T[]> {
  const { atLeast = 0, unique = false, orOne = false } = options;
  return {
    allowed: `${orOne ? 'one, or ' : ''}a list; each ${item.allowed}`,
    jsonSchema: listSchema(item.jsonSchema, options),
    ...(item.sections === undefined ? {} : { sections: item.sections }),
    read: (node, path, reading) => {
      if (node.kind !== 'list' && !(orOne && node.kind === 'scalar')) {
        reading.report(node.at, path, `expected a list, got ${got(node)}`, { allowed: `[${item.allowed}]` });
        return undefined;
      }
      const nodes = node.kind === 'list' ? node.items : [node];
      if (nodes.length < atLeast) reading.report(node.at, path, 'is empty', { allowed: `at least ${atLeast}` });
      if (unique) {
        const sources = nodes.map((one) => (one.kind === 'scalar' ? one.source : undefined));
        nodes.forEach((one, index) => {
          if (one.kind !== 'scalar' || sources.indexOf(one.source) === index) return;
          reading.report(one.at, [...path, index], `\`${one.source}\` stands twice in the list`);
        });
      }
      // One that stands alone has no index to look for.
      const pathOf = (index: number) => (node.kind === 'list' ? [...path, index] : path);
      return nodes.map((one, index) => item.read(one, pathOf(index), reading)) as readonly T[];
    },
  };
}

function listSchema(items: JsonSchema, { atLeast = 0, unique = false, orOne = false }: ListOptions): JsonSchema {
  const list = {
    type: 'array',
    items,
    ...(atLeast > 0 ? { minItems: atLeast } : {}),
    ...(unique ? { uniqueItems: true } : {}),
  };
  return orOne ? { anyOf: [items, list] } : list;
}

/** A map whose keys the user chooses; each key is read as a value of its own shape. */
export function mapOf<T>(key: Shape<string>, value: Shape<T>): Shape<ReadonlyMap<string, T>> {
  return {
    allowed: `a map from ${key.allowed} to ${value.allowed}`,
    jsonSchema: {
      type: 'object',
      propertyNames: key.jsonSchema,
      additionalProperties: value.jsonSchema,
      minProperties: 1,
    },
    read: (node, path, reading) => {
      if (node.kind !== 'map' || node.entries.length === 0) {
        const problem = node.kind === 'map' ? 'is empty' : `expected a map, got ${got(node)}`;
        reading.report(node.at, path, problem, { allowed: `a map from ${key.allowed} to ${value.allowed}` });
        return undefined;
      }
      const written = new Map<string, string>();
      const pairs = node.entries.map((entry) => {
        const name: YamlNode = { kind: 'scalar', at: entry.keyAt, value: entry.key, source: entry.key };
        const inside = [...path, entry.key];
        const meant = key.read(name, inside, reading);
        const earlier = meant === undefined ? undefined : written.get(meant);
        // Of two keys that are written differently and mean the same, the map would keep the last one.
        if (earlier !== undefined && earlier !== entry.key) {
          const message = `means the same as \`${earlier}\`, which stands in the map already`;
          reading.report(entry.keyAt, inside, message, { allowed: `${key.allowed}, each once` });
        }
        if (meant !== undefined) written.set(meant, entry.key);
        return [meant, value.read(entry.value, inside, reading)] as const;
      });
      return new Map(pairs.filter((pair): pair is readonly [string, T] => pair[0] !== undefined));
    },
  };
}

/** Either of two shapes that look different: the first reads the node if it `fits`, else the second does. */
export function eitherOf<A, B>(first: Shape<A>, fits: (node: YamlNode) => boolean, second: Shape<B>): Shape<A | B> {
  const allowed = `${first.allowed}, or ${second.allowed}`;
  return {
    allowed,
    jsonSchema: { anyOf: [first.jsonSchema, second.jsonSchema] },
    read: (node, path, reading): A | B | undefined => {
      // Whichever of the two complains about this value, both may stand there.
      const report: Reading['report'] = (at, where, message, advice) =>
        reading.report(at, where, message, where === path ? { ...advice, allowed } : advice);
      return (fits(node) ? first : second).read(node, path, { ...reading, report });
    },
  };
}

/** For `eitherOf`: the node is exactly this word. */
export function isWord(word: string): (node: YamlNode) => boolean {
  return (node) => node.kind === 'scalar' && node.value === word;
}

function got(node: YamlNode): string {
  return node.kind === 'scalar' ? `\`${node.source}\`` : `a ${node.kind}`;
}
