import type { BuiltinContext } from '../builtin.ts';
import { type GlobToken, globTokens, tokensMeet } from './glob-tokens.ts';

type Glob = readonly GlobToken[];

/** Answers for the rests of both globs that begin at (i, j), with each of the two being the first. */
type Row = { readonly both: [Uint8Array, Uint8Array]; readonly starred: [Uint8Array, Uint8Array] };

/**
 * Whether some text matches both globs, as OPA's library decides it: that is a greedy search, whose answers this gives in
 * every case, also where they are not what one would expect. It takes time exponential in the number of repetitions; here
 * each pair of rests is answered once. Throws BuiltinError.
 */
export function globsIntersect(context: BuiltinContext, a: string, b: string): boolean {
  const ends = withoutCommonEnds(globTokens(context, a), globTokens(context, b));
  return ends !== undefined && intersect(context, ends);
}

/** Takes off what both begin and end with, but for one token; undefined when they differ there. */
function withoutCommonEnds(a: Glob, b: Glob): readonly [Glob, Glob] | undefined {
  let left = 0;
  for (; plain(a[left]) && plain(b[left]); left++) {
    if (!tokensMeet(a[left] as GlobToken, b[left] as GlobToken)) return undefined;
  }
  if (left > 0) left--;
  let endA = a.length - 1;
  let endB = b.length - 1;
  for (; endA >= left && endB >= left && plain(a[endA]) && plain(b[endB]); endA--, endB--) {
    if (!tokensMeet(a[endA] as GlobToken, b[endB] as GlobToken)) return undefined;
  }
  const kept = endA < a.length - 1 ? 2 : 1;
  return [a.slice(left, endA + kept), b.slice(left, endB + kept)];
}

const plain = (token: GlobToken | undefined): boolean => token !== undefined && token.repeat === '';

/** From the ends backwards, with two rows at a time. */
function intersect({ charge }: BuiltinContext, globs: readonly [Glob, Glob]): boolean {
  const [a, b] = globs;
  let below = emptyRow(b.length);
  for (let i = a.length; i >= 0; i--) {
    charge(1 + b.length);
    const row = emptyRow(b.length);
    for (let j = b.length; j >= 0; j--) fill(a, b, i, j, row, below);
    below = row;
  }
  return below.both[0][0] === 1;
}

function emptyRow(length: number): Row {
  const bits = () => new Uint8Array(length + 2);
  return { both: [bits(), bits()], starred: [bits(), bits()] };
}

function fill(a: Glob, b: Glob, i: number, j: number, row: Row, below: Row): void {
  const x = a[i];
  const y = b[j];
  const meet = x !== undefined && y !== undefined && tokensMeet(x, y);
  // The rest of the glob that is repeating begins with the repeated token; what it does not take is left to the rest.
  row.starred[0][j] = starred(x, y, a[i + 1], meet, below.both[0][j], row.starred[0][j + 1]);
  row.starred[1][j] = starred(y, x, b[j + 1], meet, row.both[1][j + 1], below.starred[1][j]);
  if (x === undefined || y === undefined) {
    const ended = Number(x === undefined && y === undefined);
    row.both[0][j] = ended;
    row.both[1][j] = ended;
    return;
  }
  if (x.repeat === '' && y.repeat === '') {
    row.both[0][j] = meet ? (below.both[0][j + 1] as number) : 0;
    row.both[1][j] = meet ? (below.both[1][j + 1] as number) : 0;
    return;
  }
  // Where both repeat, the one that comes first leads.
  const byA = () => lead(x, y, meet, row.starred[0][j], row.starred[0][j + 1], below.both[0][j]);
  const byB = () => lead(y, x, meet, row.starred[1][j], below.starred[1][j], row.both[1][j + 1]);
  row.both[0][j] = x.repeat === '' ? byB() : byA();
  row.both[1][j] = y.repeat === '' ? byA() : byB();
}

type Bit = number | undefined;

/** `token` repeats and the other glob is at `other`. */
function starred(
  token: GlobToken | undefined,
  other: GlobToken | undefined,
  next: GlobToken | undefined,
  meet: boolean,
  withNext: Bit,
  taken: Bit,
): number {
  if (token === undefined) return 0;
  if (other === undefined) return Number(next === undefined);
  if (next !== undefined && withNext === 1 && tokensMeet(other, next)) return 1;
  return meet ? (taken ?? 0) : 0;
}

/** `token` is the repeated one that leads. */
function lead(token: GlobToken, other: GlobToken, meet: boolean, star: Bit, taken: Bit, passedOver: Bit): number {
  if (token.repeat === '*') return star ?? 0;
  if (!meet) return 0;
  return taken === 1 || (other.repeat !== '' && passedOver === 1) ? 1 : 0;
}
