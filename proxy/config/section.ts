import { distance } from 'fastest-levenshtein';
import type { Advice, Path } from './problem.ts';
import type { DefaultValue, Field, Fields, JsonSchema, Reading, Shape } from './shape.ts';
import type { YamlEntry, YamlMap, YamlNode } from './yaml-document.ts';

type About = Pick<Field<unknown>, 'doc' | 'reload'>;

export function required<T>(shape: Shape<T>, about: About): Field<T> {
  return { shape, ...about, presence: 'required' };
}

export function optional<T>(shape: Shape<T>, about: About): Field<T | undefined> {
  return { shape, ...about, presence: 'optional' };
}

export function defaulted<T>(shape: Shape<T>, value: DefaultValue, about: About): Field<T> {
  return { shape, ...about, presence: { default: value } };
}

/** What a section holds once the whole file has no problem. */
export type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

export type Section<F extends Fields> = Shape<Values<F>> & { readonly fields: F };

/**
 * A map with known keys. While there are problems, a value in the result may be `undefined` although its type denies it:
 * the checks that run then take a `Draft`, and nothing else sees the result before the list of problems is empty.
 */
export function section<F extends Fields>(title: string, doc: string, fields: F): Section<F> {
  const nested = Object.values(fields).flatMap(({ shape }) => shape.sections ?? []);
  return {
    fields,
    allowed: `a map with the keys ${Object.keys(fields).join(', ')}`,
    jsonSchema: sectionSchema(fields),
    sections: [{ title, doc, fields }, ...nested],
    read: (node, path, reading) => {
      if (node.kind === 'map') return readFields(fields, node, path, reading) as Values<F>;
      const got = node.kind === 'scalar' ? `\`${node.source}\`` : 'a list';
      reading.report(node.at, path, `expected a map, got ${got}`, { allowed: Object.keys(fields).join(', ') });
      return undefined;
    },
  };
}

function readFields(fields: Fields, map: YamlMap, path: Path, reading: Reading): Record<string, unknown> {
  for (const entry of map.entries) {
    if (Object.hasOwn(fields, entry.key)) continue;
    const [message, advice] = unknownKey(entry.key, fields);
    reading.report(entry.keyAt, [...path, entry.key], message, advice);
  }
  const read = Object.entries(fields).map(([key, field]) => {
    const entry = map.entries.find((candidate) => candidate.key === key);
    return [key, readField(field, entry, map, [...path, key], reading)] as const;
  });
  return Object.fromEntries(read);
}

function readField(field: Field<unknown>, entry: YamlEntry | undefined, map: YamlMap, path: Path, reading: Reading) {
  if (entry !== undefined) return field.shape.read(entry.value, path, reading);
  if (typeof field.presence === 'object') return field.shape.read(asNode(field.presence.default, map), path, reading);
  if (field.presence === 'required') {
    reading.report(map.at, path, 'is required', { allowed: field.shape.allowed });
  }
  return undefined;
}

function asNode(value: DefaultValue, { at }: YamlMap): YamlNode {
  if (Array.isArray(value)) return { kind: 'list', at, items: [] };
  if (typeof value === 'object') return { kind: 'map', at, entries: [] };
  return { kind: 'scalar', at, value, source: String(value) };
}

function unknownKey(key: string, fields: Fields): [string, Advice] {
  const keys = Object.keys(fields);
  if (keys.includes(`${key}_file`)) {
    return ['a secret is never written here, it is named by its file', { suggestion: `${key}_file` }];
  }
  return ['unknown key', { allowed: keys.join(', '), suggestion: nearest(key, keys) }];
}

/** The candidate that a slip of the fingers turns into `word`, if one is close enough to be meant. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const snake = word
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
  const ranked = candidates
    .map((candidate) => ({
      candidate,
      far: Math.min(distance(word, candidate), distance(snake, candidate.toLowerCase())),
    }))
    .sort((a, b) => a.far - b.far);
  const best = ranked[0];
  return best !== undefined && best.far <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

function sectionSchema(fields: Fields): JsonSchema {
  const needed = Object.keys(fields).filter((key) => fields[key]?.presence === 'required');
  const properties = Object.entries(fields).map(([key, { shape, doc, presence }]) => [
    key,
    { description: doc, ...(typeof presence === 'object' ? { default: presence.default } : {}), ...shape.jsonSchema },
  ]);
  return {
    type: 'object',
    additionalProperties: false,
    ...(needed.length > 0 ? { required: needed } : {}),
    properties: Object.fromEntries(properties),
  };
}

/** `shorthand` alone stands for a section with only that key: `workload: 127.0.0.1:8080`. */
export function orJust<F extends Fields>(whole: Section<F>, shorthand: keyof F & string): Section<F> {
  const just = whole.fields[shorthand]?.shape;
  return {
    ...whole,
    allowed: `${just?.allowed}, or ${whole.allowed}`,
    jsonSchema: { anyOf: [just?.jsonSchema, whole.jsonSchema] },
    read: (node, path, reading) => {
      if (node.kind !== 'scalar') return whole.read(node, path, reading);
      const entries = [{ key: shorthand, keyAt: node.at, value: node }];
      return whole.read({ kind: 'map', at: node.at, entries }, path, reading);
    },
  };
}

/** Of these optional keys exactly one stands in the section. */
export function exactlyOneOf<F extends Fields>(whole: Section<F>, ...keys: readonly (keyof F & string)[]): Section<F> {
  const named = keys.map((key) => `\`${key}\``).join(' and ');
  return {
    ...whole,
    jsonSchema: { ...whole.jsonSchema, oneOf: keys.map((key) => ({ properties: { [key]: true }, required: [key] })) },
    read: (node, path, reading) => {
      const given = node.kind === 'map' ? node.entries.filter(({ key }) => keys.includes(key)) : undefined;
      if (given?.length === 0) reading.report(node.at, path, `needs one of ${named}`);
      for (const { key, keyAt } of given?.slice(1) ?? []) {
        reading.report(keyAt, [...path, key], `only one of ${named} can stand here`);
      }
      return whole.read(node, path, reading);
    },
  };
}

/** Where the optional `key` stands, the optional `other` has to. */
export function requiredBeside<F extends Fields>(
  whole: Section<F>,
  key: keyof F & string,
  other: keyof F & string,
): Section<F> {
  return {
    ...whole,
    jsonSchema: { ...whole.jsonSchema, dependentRequired: { [key]: [other] } },
    read: (node, path, reading) => {
      const stands = (name: string) => node.kind === 'map' && node.entries.some((entry) => entry.key === name);
      if (stands(key) && !stands(other)) {
        const allowed = whole.fields[other]?.shape.allowed;
        reading.report(node.at, [...path, other], `is required beside \`${key}\``, { allowed });
      }
      return whole.read(node, path, reading);
    },
  };
}

/** Where the optional `key` stands, none of the others may, each for its reason: it belongs to what `key` takes the place of. */
export function insteadOf<F extends Fields>(
  whole: Section<F>,
  key: keyof F & string,
  others: { readonly [K in keyof F & string]?: string },
): Section<F> {
  const properties = Object.fromEntries(Object.keys(others).map((other) => [other, false]));
  const { dependentSchemas } = whole.jsonSchema as { readonly dependentSchemas?: JsonSchema };
  return {
    ...whole,
    jsonSchema: { ...whole.jsonSchema, dependentSchemas: { ...dependentSchemas, [key]: { properties } } },
    read: (node, path, reading) => {
      const entries = node.kind === 'map' ? node.entries : [];
      const replaced = entries.some((entry) => entry.key === key) ? entries : [];
      for (const entry of replaced) {
        const why = others[entry.key];
        if (why !== undefined) reading.report(entry.keyAt, [...path, entry.key], why);
      }
      return whole.read(node, path, reading);
    },
  };
}
