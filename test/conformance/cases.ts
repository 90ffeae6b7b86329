import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { integer } from '../../policy/value/number.ts';
import { objectOf } from '../../policy/value/object.ts';
import { readValue } from '../../policy/value/read-text.ts';
import type { Value } from '../../policy/value/value.ts';

export type RegoVersion = 'v0' | 'v1';

/** One of OPA's own test cases; https://pkg.go.dev/github.com/open-policy-agent/opa/v1/test/cases */
export type Case = {
  readonly version: RegoVersion;
  readonly directory: string;
  readonly note: string;
  readonly query: string;
  readonly modules: readonly string[];
  readonly experimentalKeywords: boolean;
  readonly data: Value;
  readonly input: Value | undefined;
  readonly want: Wanted;
  /** An error that only strict built-in errors show. */
  readonly strictError: boolean;
  readonly sortBindings: boolean;
  readonly ignoreGeneratedVars: boolean;
};

export type Wanted =
  | { readonly kind: 'results'; readonly results: readonly Value[] }
  | { readonly kind: 'defined'; readonly defined: boolean }
  | { readonly kind: 'error'; readonly code: string; readonly text: string };

type Row = {
  readonly note: string;
  readonly query: string;
  readonly modules?: readonly string[] | null;
  readonly data?: unknown;
  readonly input?: unknown;
  readonly input_term?: string;
  readonly want_result?: unknown;
  readonly want_defined?: boolean;
  readonly want_error_code?: string;
  readonly want_error?: string;
  readonly strict_error?: boolean;
  readonly sort_bindings?: boolean;
  readonly ignore_generated_vars?: boolean;
  readonly experimental_keywords?: boolean;
};

/** Cases cannot be had for a reason that the user can mend. */
export class CasesMissing extends Error {
  override readonly name = 'CasesMissing';
}

const compilerFolder = join(import.meta.dirname, '../../policy/compiler');

/** Of OPA, whose compiler is shipped and whose cases are run. */
export function opaVersion(): string {
  const goMod = readFileSync(join(compilerFolder, 'go.mod'), 'utf8');
  return /^require github\.com\/open-policy-agent\/opa (\S+)$/m.exec(goMod)?.[1] ?? '';
}

/** The folder of OPA's cases in Go's module cache, where building the compiler artefact leaves them. */
export function casesFolder({ download }: { readonly download: boolean }): string {
  const module = `github.com/open-policy-agent/opa@${opaVersion()}`;
  const folder = join(go('env', 'GOMODCACHE'), module, 'v1/test/cases/testdata');
  if (!exists(folder) && download) go('mod', 'download', 'github.com/open-policy-agent/opa');
  if (exists(folder)) return folder;
  const how = "`go mod download` in policy/compiler brings OPA's module, and them with it";
  throw new CasesMissing(`OPA's cases are not in Go's module cache (there is no ${folder}): ${how}`);
}

function go(...words: readonly string[]): string {
  const { error, status, stdout, stderr } = spawnSync('go', words, { cwd: compilerFolder, encoding: 'utf8' });
  if (error !== undefined) {
    throw new CasesMissing(
      `OPA's cases come with its Go module, and Go cannot be run (${error.message}): https://go.dev/dl`,
    );
  }
  if (status !== 0) throw new CasesMissing(`go ${words.join(' ')} failed: ${stderr.trim()}`);
  return stdout.trim();
}

function exists(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}

export const directoriesOf = (folder: string, version: RegoVersion): readonly string[] =>
  readdirSync(join(folder, version)).sort();

/** In the order of the files. */
export function readCases(folder: string, version: RegoVersion, directory: string): readonly Case[] {
  const below = join(folder, version, directory);
  return readdirSync(below, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .flatMap((name) => {
      const document = parse(readFileSync(join(below, name), 'utf8'), { intAsBigInt: true, maxAliasCount: -1 }) as {
        readonly cases: readonly Row[];
      };
      return document.cases.map((row) => readCase(row, version, directory));
    });
}

function readCase(row: Row, version: RegoVersion, directory: string): Case {
  return {
    version,
    directory,
    note: row.note,
    query: row.query,
    modules: row.modules ?? [],
    experimentalKeywords: row.experimental_keywords === true,
    data: row.data === undefined || row.data === null ? {} : valueOf(row.data),
    input: inputOf(row),
    want: wantedOf(row),
    strictError: row.strict_error === true,
    sortBindings: row.sort_bindings === true,
    ignoreGeneratedVars: row.ignore_generated_vars === true,
  };
}

function inputOf(row: Row): Value | undefined {
  // Rego allows a comma before the bracket that closes.
  if (row.input_term !== undefined) return readValue(row.input_term.replaceAll(/,(\s*[}\]])/g, '$1'));
  return row.input === undefined || row.input === null ? undefined : valueOf(row.input);
}

/** OPA's own test of its WebAssembly looks at these members in this order. */
function wantedOf(row: Row): Wanted {
  if (row.want_defined !== undefined) return { kind: 'defined', defined: row.want_defined };
  if (row.want_result !== undefined && row.want_result !== null) {
    return { kind: 'results', results: valueOf(row.want_result) as readonly Value[] };
  }
  return { kind: 'error', code: row.want_error_code ?? '', text: row.want_error ?? '' };
}

function valueOf(yaml: unknown): Value {
  if (typeof yaml === 'bigint') return integer(yaml);
  if (Array.isArray(yaml)) return yaml.map(valueOf);
  if (typeof yaml !== 'object' || yaml === null) return yaml as Value;
  return objectOf(Object.entries(yaml).map(([name, part]) => [name, valueOf(part)]));
}
