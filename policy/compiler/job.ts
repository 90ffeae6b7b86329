import type { Diagnostic } from '../errors.ts';

/** What the compiler process is asked; the same shape as `job` in main.go. */
export type Job =
  | { readonly do: 'build'; readonly files: readonly SourceFile[]; readonly entrypoint: string }
  | { readonly do: 'check'; readonly files: readonly SourceFile[] }
  | { readonly do: 'test'; readonly files: readonly SourceFile[]; readonly data: unknown; readonly run: string }
  | { readonly do: 'fmt'; readonly files: readonly SourceFile[] };

export type SourceFile = { readonly name: string; readonly text: string };

/** What it answers; the same shape as `answer` in main.go. Go leaves out lists that are empty. */
export type Answer = {
  readonly diagnostics: readonly Diagnostic[];
  /** Base64. */
  readonly wasm?: string;
  readonly plan?: string;
  readonly calls?: readonly BuiltinCall[];
  readonly tests?: readonly TestResult[];
  readonly files?: readonly SourceFile[];
};

/** The first place where the policy calls a built-in of OPA. */
export type BuiltinCall = { readonly name: string; readonly file: string; readonly line: number };

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
