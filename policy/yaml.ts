import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  Scalar,
  stringify,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';

/** The only importer of `yaml`, for the configuration and for what policies read and write. */
export type { Alias, Document, Node, ParsedNode, Scalar, YAMLError, YAMLMap } from 'yaml';

export type YamlReading = {
  /** `failsafe` leaves every scalar the text that it is. */
  readonly schema: 'core' | 'failsafe';
  readonly stringKeys: boolean;
};

export type YamlText = {
  readonly documents: readonly Document.Parsed[];
  /** Both from 1. */
  readonly positionAt: (offset: number) => { readonly line: number; readonly column: number };
};

/** YAML 1.2 without what a text could ask for itself: tags that make objects, merge keys, another version. */
export function readYamlText(text: string, { schema, stringKeys }: YamlReading): YamlText {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    version: '1.2',
    schema,
    merge: false,
    resolveKnownTags: false,
    stringKeys,
    // Our readers do it in linear time: the library compares each key with all the others of its map.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const positionAt = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  return { documents, positionAt };
}

export type YamlShape =
  | { readonly kind: 'alias'; readonly node: Alias }
  | { readonly kind: 'map'; readonly node: YAMLMap }
  | { readonly kind: 'list'; readonly node: YAMLSeq }
  /** Without a node where the text has nothing, which means null. */
  | { readonly kind: 'scalar'; readonly node: Scalar | undefined };

export function shapeOf(node: unknown): YamlShape {
  if (isAlias(node)) return { kind: 'alias', node };
  if (isMap(node)) return { kind: 'map', node };
  if (isSeq(node)) return { kind: 'list', node };
  return { kind: 'scalar', node: node instanceof Scalar ? node : undefined };
}

/**
 * What each alias stands for, in the order of the text: the last node before it with that anchor. The library's own
 * `Alias.resolve` walks the whole document for each: quadratic in the text.
 */
export function aliasTargets(document: Document.Parsed): ReadonlyMap<Alias, Node | undefined> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node | undefined>();
  visit(document, {
    Value: (_key, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
    Alias: (_key, alias) => {
      targets.set(alias, anchors.get(alias.source));
    },
  });
  return targets;
}

const styles = { plain: Scalar.PLAIN, quoted: Scalar.QUOTE_DOUBLE, block: Scalar.BLOCK_LITERAL } as const;

/** A string that is written in one style wherever it stands in what `yamlOf` is given. */
export function styledString(text: string, style: keyof typeof styles): Scalar {
  const node = new Scalar(text);
  node.type = styles[style];
  return node;
}

/** One document of plain values, Maps for maps, and styled strings. */
export function yamlOf(value: unknown): string {
  return stringify(value, {
    version: '1.2',
    schema: 'core',
    lineWidth: 0,
    singleQuote: true,
    aliasDuplicateObjects: false,
  });
}
