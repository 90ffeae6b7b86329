import { oneLine } from './one-line.ts';

/** Where the line goes: standard error, so that standard output stays the result. */
export type ProgressOutput = {
  readonly write: (text: string) => unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
};

export type Progress = {
  /** Replaces the line, such as `round 3 of 10: nginx`. */
  readonly show: (text: string) => void;
  /** Takes the line away, before anything else is printed. */
  readonly clear: () => void;
};

/** One line that is written over itself. Without a terminal there is none: a log would keep every state of it. */
export function progress(output: ProgressOutput): Progress {
  if (output.isTTY !== true) return { show: () => {}, clear: () => {} };
  const toStartAndErase = '\r\u001b[K';
  return {
    show: (text) => {
      // A line as wide as the terminal would wrap, and could not be erased.
      output.write(`${toStartAndErase}${oneLine(text).slice(0, (output.columns ?? 80) - 1)}`);
    },
    clear: () => output.write(toStartAndErase),
  };
}
