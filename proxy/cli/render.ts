import { stripVTControlCharacters } from 'node:util';

/** Wraps text in a colour, or leaves it alone where colour is not wanted. */
export type Paint = (color: 'bold' | 'dim' | 'green' | 'red' | 'yellow', text: string) => string;

const codes = { bold: [1, 22], dim: [2, 22], green: [32, 39], red: [31, 39], yellow: [33, 39] } as const;

export function painter(color: boolean): Paint {
  if (!color) return (_, text) => text;
  return (name, text) => `\u001b[${codes[name][0]}m${text}\u001b[${codes[name][1]}m`;
}

type Column = {
  readonly title: string;
  /** Narrowest this column may become before the table runs over the width; columns without one keep their width. */
  readonly shrinkTo?: number;
};

/**
 * A table for the terminal: no frame, two spaces between columns, cells folded at spaces where the width asks for it.
 * Cells may carry colour, but a cell that is folded loses it.
 */
export function table(rows: readonly (readonly string[])[], columns: readonly Column[], width: number): string {
  const widths = fit(rows, columns, width);
  const lines = [columns.map(({ title }) => title), columns.map((_, index) => '-'.repeat(widths[index] ?? 0)), ...rows];
  return lines.flatMap((row) => layOut(row, widths)).join('\n');
}

function fit(rows: readonly (readonly string[])[], columns: readonly Column[], width: number): number[] {
  const natural = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => visibleLength(row[index] ?? ''))),
  );
  let excess = natural.reduce((sum, each) => sum + each + 2, -2) - width;
  // The last column gives way first: it is the one that holds prose.
  for (let index = columns.length - 1; index >= 0 && excess > 0; index--) {
    const least = columns[index]?.shrinkTo;
    if (least === undefined) continue;
    const gives = Math.max(0, Math.min(excess, (natural[index] ?? 0) - least));
    natural[index] = (natural[index] ?? 0) - gives;
    excess -= gives;
  }
  return natural;
}

function layOut(row: readonly string[], widths: readonly number[]): string[] {
  const folded = widths.map((width, index) => fold(row[index] ?? '', width));
  const height = Math.max(...folded.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    widths
      .map((width, index) => pad(folded[index]?.[line] ?? '', width))
      .join('  ')
      .trimEnd(),
  );
}

/** Breaks text into lines of at most `width` characters, at spaces where there are any. */
export function fold(text: string, width: number): string[] {
  if (visibleLength(text) <= width) return [text];
  const lines: string[] = [];
  let rest = stripVTControlCharacters(text);
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const end = space > 0 ? space : width;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return rest === '' ? lines : [...lines, rest];
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - visibleLength(text)));
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
