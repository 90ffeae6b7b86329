import { type Document, type LineCounter, parseAllDocuments } from 'yaml';

/** The only importer of `yaml`, for the configuration and for what policies read and write. */
export { isAlias, isMap, isScalar, isSeq, LineCounter, Scalar, stringify, visit } from 'yaml';
export type { Document, Node, ParsedNode, YAMLError, YAMLMap } from 'yaml';

export type YamlReading = {
  /** `failsafe` leaves every scalar the text that it is. */
  readonly schema: 'core' | 'failsafe';
  readonly stringKeys: boolean;
  readonly lines: LineCounter;
};

/** YAML 1.2 without what a text could ask for itself: tags that make objects, merge keys, another version. */
export function parseYamlDocuments(
  text: string,
  { schema, stringKeys, lines }: YamlReading,
): readonly Document.Parsed[] {
  return parseAllDocuments(text, {
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
}
