import {
  type Alias,
  aliasTargets,
  type Document,
  type Node,
  type ParsedNode,
  readYamlText,
  type Scalar,
  shapeOf,
  type YAMLError,
  type YAMLMap,
  type YamlText,
} from '../../policy/yaml.ts';
import type { Position } from './problem.ts';

/** Text becomes a tree of located values, free of anchors, tags and odd keys. */
export type YamlNode = YamlMap | YamlList | YamlScalar;
export type YamlMap = { readonly kind: 'map'; readonly at: Position; readonly entries: readonly YamlEntry[] };
export type YamlEntry = { readonly key: string; readonly keyAt: Position; readonly value: YamlNode };
export type YamlList = { readonly kind: 'list'; readonly at: Position; readonly items: readonly YamlNode[] };
export type YamlScalar = {
  readonly kind: 'scalar';
  readonly at: Position;
  readonly value: string | number | boolean | null;
  /** As written, so that a message can quote `007` and not 7. */
  readonly source: string;
};

export type YamlProblem = { readonly at: Position; readonly message: string };
export type YamlDocument = { readonly root: YamlNode | undefined; readonly problems: readonly YamlProblem[] };

/** Aliases are copied where they stand, so nested ones multiply ("billion laughs", CVE-2003-1564). */
export const MAX_ALIASES = 100;
const MAX_NODES = 200_000;
const MAX_DEPTH = 32;
/** What follows the first errors of a broken text is mostly their echo. */
const MAX_ERRORS = 10;

/**
 * YAML 1.2, core schema. A text that is no YAML has problems and no root; what is YAML but not for a configuration
 * (a duplicate key, a tag) has problems beside a root, so that the rest can be checked in the same go.
 */
export function parseYaml(text: string): YamlDocument {
  const { documents, positionAt } = readYamlText(text, { schema: 'core', stringKeys: true });
  const [document, second] = documents;
  if (document === undefined || document.contents === null) {
    return { root: undefined, problems: [{ at: { line: 1, column: 1 }, message: 'the file is empty' }] };
  }
  const broken = documents.flatMap(({ errors }) => errors);
  if (broken.length > 0)
    return { root: undefined, problems: broken.slice(0, MAX_ERRORS).map(syntaxProblem(positionAt)) };
  const conversion = new Conversion(document, positionAt);
  if (second !== undefined) {
    conversion.report(second.range[0], 'a second document begins here; a configuration is one document');
  }
  for (const { pos, message } of document.warnings) conversion.report(pos[0], `not allowed here: ${message}`);
  return { root: conversion.root(), problems: conversion.problems };
}

type PositionAt = YamlText['positionAt'];

function syntaxProblem(positionAt: PositionAt): (error: YAMLError) => YamlProblem {
  return ({ code, pos, message }) => {
    const why = code === 'RESOURCE_EXHAUSTION' ? 'nested too deep' : message;
    return { at: positionAt(pos[0]), message: `not YAML: ${why}` };
  };
}

/** One document on its way to a tree; owns the budget of nodes and the problems found so far. */
class Conversion {
  readonly problems: YamlProblem[] = [];
  readonly #document: Document.Parsed;
  readonly #targets: ReadonlyMap<Alias, Node | undefined>;
  readonly #positionAt: PositionAt;
  #nodes = 0;

  constructor(document: Document.Parsed, positionAt: PositionAt) {
    this.#document = document;
    this.#targets = aliasTargets(document);
    this.#positionAt = positionAt;
  }

  report(offset: number, message: string): void {
    this.problems.push({ at: this.#positionAt(offset), message });
  }

  root(): YamlNode | undefined {
    const contents: ParsedNode | null = this.#document.contents;
    if (contents === null || this.#tooManyAliases()) return undefined;
    return this.#convert(contents, contents.range[0], []);
  }

  #tooManyAliases(): boolean {
    if (this.#targets.size <= MAX_ALIASES) return false;
    const first = [...this.#targets.keys()][MAX_ALIASES];
    this.report(first?.range?.[0] ?? 0, `more than ${MAX_ALIASES} aliases`);
    return true;
  }

  /** `above` are the nodes around this one: an alias to one of them would never end. */
  #convert(node: Node | null, offset: number, above: readonly Node[]): YamlNode | undefined {
    const start = node?.range?.[0] ?? offset;
    this.#nodes += 1;
    if (this.#nodes === MAX_NODES) this.report(start, `more than ${MAX_NODES} values once aliases are replaced`);
    if (above.length === MAX_DEPTH) this.report(start, `nested deeper than ${MAX_DEPTH} levels`);
    if (this.#nodes >= MAX_NODES || above.length >= MAX_DEPTH) return undefined;
    const shape = shapeOf(node);
    const at = this.#positionAt(start);
    switch (shape.kind) {
      case 'alias':
        return this.#resolve(shape.node, start, above);
      case 'map':
        return { kind: 'map', at, entries: this.#entries(shape.node, start, [...above, shape.node]) };
      case 'list': {
        const inside = [...above, shape.node];
        const items = shape.node.items.map((item) => this.#convert(item as Node | null, start, inside));
        return { kind: 'list', at, items: items.filter((item) => item !== undefined) };
      }
      case 'scalar':
        return this.#scalar(shape.node, start);
    }
  }

  #scalar(node: Scalar | undefined, start: number): YamlScalar | undefined {
    const value = node?.value ?? null;
    if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      return { kind: 'scalar', at: this.#positionAt(start), value, source: node?.source || String(value ?? '') };
    }
    this.report(start, 'a value that YAML 1.2 does not know');
    return undefined;
  }

  #resolve(alias: Alias, start: number, above: readonly Node[]): YamlNode | undefined {
    const { source: name } = alias;
    const target = this.#targets.get(alias);
    if (target === undefined) this.report(start, `no anchor &${name} before this alias`);
    else if (above.includes(target)) this.report(start, `the alias *${name} contains itself`);
    else return this.#convert(target, start, above);
    return undefined;
  }

  #entries(map: YAMLMap, start: number, above: readonly Node[]): readonly YamlEntry[] {
    const seen = new Map<string, Position>();
    return map.items.flatMap((pair) => {
      const keyNode = pair.key as Node | null;
      const offset = keyNode?.range?.[0] ?? start;
      const keyAt = this.#positionAt(offset);
      const { kind, node: word } = shapeOf(keyNode);
      const key = kind === 'scalar' ? word?.value : undefined;
      if (typeof key !== 'string') {
        this.report(offset, 'a key must be a plain word');
        return [];
      }
      const first = seen.get(key);
      if (first !== undefined) {
        this.report(offset, `the key \`${key}\` stands twice; first in line ${first.line}, column ${first.column}`);
        return [];
      }
      seen.set(key, keyAt);
      const value = this.#convert(pair.value as Node | null, keyNode?.range?.[1] ?? offset, above);
      return value === undefined ? [] : [{ key, keyAt, value }];
    });
  }
}
