import { CertsError, type CertsErrorCode } from '../../errors.ts';

/** Where the three parts of an identity lie; absolute paths. */
export type SvidFiles = { readonly certificate: string; readonly key: string; readonly bundle: string };

/** What is wrong with one of the files. */
export type FileProblem = {
  readonly part: keyof SvidFiles;
  readonly code: CertsErrorCode;
  readonly file: string;
  /** From 1; undefined where the whole file is meant. */
  readonly line: number | undefined;
  /** Never quotes the file: it may be the key. */
  readonly message: string;
};

export function problemText({ file, line, message }: FileProblem): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${message}`;
}

/** All of them in one error, under the code of the first. */
export function asError(problems: readonly [FileProblem, ...FileProblem[]]): CertsError {
  return new CertsError(problems[0].code, problems.map(problemText).join('; and '));
}
