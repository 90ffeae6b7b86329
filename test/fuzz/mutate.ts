import { fragments } from '../harness/mutations.ts';
import { below, oneOf, type Random } from '../harness/random.ts';

/** Accidents that happen to a message on its way, or that somebody arranges. */
export type Accident = (bytes: Buffer, random: Random, corpus: readonly Buffer[]) => Buffer;

export const insert: Accident = (bytes, random) =>
  splice(bytes, below(random, bytes.length + 1), 0, oneOf(random, fragments));

export const replace: Accident = (bytes, random) =>
  splice(bytes, below(random, bytes.length), 1 + below(random, 12), oneOf(random, fragments));

export const drop: Accident = (bytes, random) => splice(bytes, below(random, bytes.length), 1 + below(random, 12), '');

export const exchangeByte: Accident = (bytes, random) =>
  splice(bytes, below(random, bytes.length), 1, String.fromCharCode(below(random, 256)));

/** A digit that is a length, a size, a status or a port. */
export const changeNumber: Accident = (bytes, random) => {
  const numbers = [...bytes.toString('latin1').matchAll(/[0-9]+/g)];
  if (numbers.length === 0) return bytes;
  const { index, 0: digits } = oneOf(random, numbers);
  const odd = [`0${digits}`, `${digits}0`, `+${digits}`, `${digits}, ${digits}`, `0x${digits}`, '18446744073709551616'];
  return splice(bytes, index, digits.length, oneOf(random, [...odd, String(Number(digits) + oneOf(random, [-1, 1]))]));
};

const repeatLine: Accident = (bytes, random) => {
  const lines = bytes.toString('latin1').split('\r\n');
  return Buffer.from(lines.toSpliced(below(random, lines.length), 0, oneOf(random, lines)).join('\r\n'), 'latin1');
};

const swapLines: Accident = (bytes, random) => {
  const lines = bytes.toString('latin1').split('\r\n');
  const line = lines.splice(below(random, lines.length), 1);
  return Buffer.from(lines.toSpliced(below(random, lines.length + 1), 0, ...line).join('\r\n'), 'latin1');
};

export const swapCase: Accident = (bytes, random) => {
  const at = below(random, bytes.length);
  const piece = bytes.toString('latin1', at, at + 16);
  return splice(bytes, at, 16, random() < 0.5 ? piece.toUpperCase() : piece.toLowerCase());
};

/** The first part of one message and the last of another. */
export const cross: Accident = (bytes, random, corpus) => {
  const other = oneOf(random, corpus);
  return Buffer.concat([bytes.subarray(0, below(random, bytes.length)), other.subarray(below(random, other.length))]);
};

export const accidentsOfText: readonly Accident[] = [
  insert,
  insert,
  replace,
  drop,
  exchangeByte,
  changeNumber,
  repeatLine,
  swapLines,
  swapCase,
  cross,
];

/** Longer ones cost time and find nothing more: a bound is tried by a vector. */
const maxBytes = 1500;

/** A message of the corpus after one accident, or up to four. */
export function mutate(corpus: readonly Buffer[], random: Random, accidents = accidentsOfText): Buffer {
  let bytes = oneOf(random, corpus);
  for (let times = 1 + Math.floor(random() ** 2 * 4); times > 0; times -= 1) {
    if (bytes.length > 0) bytes = oneOf(random, accidents)(bytes, random, corpus);
  }
  return bytes.subarray(0, maxBytes);
}

function splice(bytes: Buffer, at: number, dropped: number, added: string): Buffer {
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(added, 'latin1'), bytes.subarray(at + dropped)]);
}

/** The same bytes in two to five pieces, cut anywhere. */
export function cutAnywhere(bytes: Buffer, random: Random): readonly Buffer[] {
  const cuts = Array.from({ length: 1 + below(random, 4) }, () => below(random, bytes.length + 1));
  const places = [0, ...cuts.sort((left, right) => left - right), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}
