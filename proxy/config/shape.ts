import { problemAt } from './problem.ts';
import type { Advice, ConfigProblem, Path, Position } from './problem.ts';
import type { YamlNode, YamlScalar } from './yaml-document.ts';

export type JsonSchema = { readonly [keyword: string]: unknown };

/**
 * What may stand at one place of the file. One value answers all who ask: the parser (`read`), editors (`jsonSchema`)
 * and the reference (`allowed`), so that they cannot disagree.
 */
export type Shape<T> = {
  /** In words, for messages and the reference. */
  readonly allowed: string;
  readonly jsonSchema: JsonSchema;
  /** `undefined` means that it has been reported; reading goes on, to find every problem in one go. */
  readonly read: (node: YamlNode, path: Path, reading: Reading) => T | undefined;
  /** The shapes inside, for the reference to list on their own. */
  readonly sections?: readonly SectionOutline[];
};

export type SectionOutline = { readonly title: string; readonly doc: string; readonly fields: Fields };

/** One key of a section. `T` has `undefined` when the key may be left out without a default. */
export type Field<T> = {
  readonly shape: Shape<T>;
  /** One sentence or two, for the reference and for editors. */
  readonly doc: string;
  /** Whether a change takes effect in the running proxy or after a restart. */
  readonly reload: 'live' | 'restart';
  readonly presence: 'required' | 'optional' | { readonly default: DefaultValue };
};

/** As a user would write it; `{}` is a section with its own defaults. */
export type DefaultValue = string | number | boolean | readonly [] | Readonly<Record<string, never>>;
export type Fields = { readonly [key: string]: Field<unknown> };

/** A file that the configuration names, to be looked at when the text has been read. */
export type FileReference = {
  readonly file: string;
  readonly use: FileUse;
  readonly at: Position;
  readonly path: Path;
};

export type FileUse =
  | 'json'
  | 'body-schema'
  | 'parameter-schema'
  | 'jwks'
  | 'jwt-bundle'
  | 'rego'
  | 'bundle'
  | 'secret'
  | 'denylist'
  | 'crl'
  | 'certificates'
  | 'spiffe-bundle'
  /** Looked at by the source of our own SVID, at start and whenever it changes. */
  | 'identity'
  | 'private-folder'
  | 'folder';

/** One pass over one file: collects what is found on the way. */
export type Reading = {
  readonly problems: ConfigProblem[];
  readonly references: FileReference[];
  /** Absolute, from a path relative to the configuration file. */
  readonly resolve: (path: string) => string;
  readonly report: (at: Position, path: Path, message: string, advice?: Advice) => void;
};

export function beginReading(file: string, resolve: (path: string) => string): Reading {
  const problems: ConfigProblem[] = [];
  return {
    problems,
    references: [],
    resolve,
    report: (at, path, message, advice) => problems.push(problemAt(file, at, path, message, advice)),
  };
}

export type Parsed<T> = { readonly value: T } | { readonly wrong: string; readonly suggestion?: string | undefined };

type ScalarOptions<T> = {
  readonly allowed: string;
  readonly jsonSchema: JsonSchema;
  readonly parse: (scalar: YamlScalar, reading: Reading) => Parsed<T>;
};

export function scalar<T>({ allowed, jsonSchema, parse }: ScalarOptions<T>): Shape<T> {
  return {
    allowed,
    jsonSchema,
    read: (node, path, reading) => {
      const parsed = parseScalar(node, parse, reading);
      if ('value' in parsed) return parsed.value;
      reading.report(node.at, path, parsed.wrong, { allowed, suggestion: parsed.suggestion });
      return undefined;
    },
  };
}

function parseScalar<T>(node: YamlNode, parse: ScalarOptions<T>['parse'], reading: Reading): Parsed<T> {
  if (node.kind !== 'scalar') return { wrong: `expected one value, got a ${node.kind}` };
  // Whoever pastes a key here has misread what the option wants: a message must not echo it.
  if (node.source.includes('-----BEGIN'))
    return { wrong: 'a key or certificate is named by its file, never pasted here' };
  return node.value === null ? { wrong: 'has no value' } : parse(node, reading);
}

/** A scalar that YAML reads as text; `parse` sees only its text. */
export function text<T>(
  allowed: string,
  jsonSchema: JsonSchema,
  parse: (text: string, reading: Reading) => Parsed<T>,
): Shape<T> {
  return scalar({
    allowed,
    jsonSchema: { type: 'string', ...jsonSchema },
    parse: (node, reading) => {
      if (typeof node.value !== 'string') return notText(node, parse, reading);
      return parse(node.value, reading);
    },
  });
}

function notText<T>(
  node: YamlScalar,
  parse: (text: string, reading: Reading) => Parsed<T>,
  reading: Reading,
): Parsed<T> {
  const advice = parse(node.source, reading);
  const quoted = 'value' in advice ? JSON.stringify(node.source) : advice.suggestion;
  return { wrong: `expected text, got the ${typeof node.value} ${node.source}`, suggestion: quoted };
}
