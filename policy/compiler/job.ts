import type { Capabilities } from '../builtins/capabilities.ts';
import type { Diagnostic } from '../errors.ts';

/** What the compiler process is asked; the same shape as `job` in main.go. */
export type Job =
  | BuildJob
  | { readonly do: 'check'; readonly files: readonly SourceFile[]; readonly capabilities: Capabilities }
  | { readonly do: 'test'; readonly files: readonly SourceFile[]; readonly data: unknown; readonly run: string }
  | { readonly do: 'fmt'; readonly files: readonly SourceFile[] }
  | { readonly do: 'queries'; readonly queries: readonly Query[] }
  | { readonly do: 'capabilities' };

export type BuildJob = {
  readonly do: 'build';
  readonly files: readonly SourceFile[];
  readonly entrypoint: string;
  /** Whether to refuse what OPA's strict mode finds. */
  readonly strict?: boolean;
  /** What the policy may use; without it, everything that OPA has. */
  readonly capabilities?: Capabilities;
};

/** Modules and a query over them, as OPA's own test cases have it. */
export type Query = {
  readonly modules: readonly string[];
  readonly query: string;
  readonly regoVersion: RegoVersion;
  readonly experimentalKeywords: boolean;
};

/** Both forms have the entrypoint `eval`, whose results are the bindings of the query's variables. */
export type CompiledQuery = {
  /** Base64. */
  readonly wasm?: string;
  /** What OPA itself compiles, where that is something else. */
  readonly stockWasm?: string;
  readonly plan?: unknown;
  readonly error?: string;
  readonly inputPaths?: InputPaths;
};

/** Names of members, from the top; `[[]]` is everything. */
export type InputPaths = readonly (readonly string[])[];

/** Without a version, Rego v1. */
export type SourceFile = { readonly name: string; readonly text: string; readonly regoVersion?: RegoVersion };

export type RegoVersion = 0 | 1;

/** What it answers; the same shape as `answer` in main.go. Go leaves out lists that are empty. */
export type Answer = {
  readonly diagnostics: readonly Diagnostic[];
  /** Base64. */
  readonly wasm?: string;
  readonly plan?: string;
  readonly calls?: readonly BuiltinCall[];
  readonly packages?: readonly Place[];
  readonly rules?: readonly Place[];
  /** What could be one, where there is no rule of the name that was asked for. */
  readonly entrypoints?: readonly string[];
  readonly tests?: readonly TestResult[];
  readonly files?: readonly SourceFile[];
  readonly queries?: readonly CompiledQuery[];
  readonly inputPaths?: InputPaths;
  readonly capabilities?: Capabilities;
};

/** A place where the policy calls a built-in of OPA. */
export type BuiltinCall = {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
};

/** Where the text of the policy puts something into `data`. */
export type Place = {
  readonly path: readonly string[];
  readonly file: string;
  readonly line: number;
  readonly column: number;
};

export type TestResult = {
  readonly package: string;
  readonly name: string;
  readonly outcome: 'pass' | 'fail' | 'error' | 'skip';
  readonly file: string;
  readonly line: number;
  /** What the test printed. */
  readonly output: string;
  readonly error: string;
  readonly durationMs: number;
};
