import { relative } from 'node:path';

/** Where something stands in a text file; both count from 1. */
export type Position = { readonly line: number; readonly column: number };

/** From the top of the document down to a value: keys of maps, indexes of lists. */
export type Path = readonly (string | number)[];

/** One thing an operator has to correct. */
export type ConfigProblem = {
  /** Absolute: the configuration itself, or a file that it names. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Dotted path of the key, such as `routes[2].quota.burst`; empty when there is none. */
  readonly path: string;
  readonly message: string;
  /** What may stand there instead. */
  readonly allowed?: string;
  /** The closest thing that would have been right. */
  readonly suggestion?: string;
};

export type Advice = { readonly allowed?: string | undefined; readonly suggestion?: string | undefined };

export function problemAt(file: string, at: Position, path: Path, message: string, advice: Advice = {}): ConfigProblem {
  return {
    file,
    line: at.line,
    column: at.column,
    path: pathText(path),
    message,
    ...(advice.allowed === undefined ? {} : { allowed: advice.allowed }),
    ...(advice.suggestion === undefined ? {} : { suggestion: advice.suggestion }),
  };
}

export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    const key = /^[\w-]+$/.test(step) ? step : JSON.stringify(step);
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/** `file:line:column: path: what; allowed: ...; did you mean ...?`, the file relative to `cwd` when it lies below it. */
export function formatProblem(problem: ConfigProblem, cwd: string): string {
  const where = `${nearPath(problem.file, cwd)}:${problem.line}:${problem.column}: `;
  const path = problem.path === '' ? '' : `${problem.path}: `;
  const allowed = problem.allowed === undefined ? '' : `; allowed: ${problem.allowed}`;
  const suggestion = problem.suggestion === undefined ? '' : `; did you mean \`${problem.suggestion}\`?`;
  return visible(`${where}${path}${problem.message}${allowed}${suggestion}`);
}

/** Relative to `cwd` when it lies below it. */
export function nearPath(file: string, cwd: string): string {
  const below = relative(cwd, file);
  return below === '' || below.startsWith('..') ? file : below;
}

/** A value from the file goes to a terminal: an ESC in it must not move the cursor or retitle the window. */
export function visible(text: string): string {
  return text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** In reading order: the configuration first, then the files it names; equal reports once. */
export function inReadingOrder(problems: readonly ConfigProblem[], configFile: string): readonly ConfigProblem[] {
  const first = (file: string) => (file === configFile ? 0 : 1);
  const unique = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  return [...unique.values()].sort(
    (a, b) =>
      first(a.file) - first(b.file) ||
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
      a.line - b.line ||
      a.column - b.column,
  );
}
