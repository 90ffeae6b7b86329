import { EvaluationError } from '../engine.ts';
import { hasMembers, labelOf, ownMember, type Part, partOf, projection, wholeText } from './projection.ts';
import type { Text } from './wasm-host.ts';

/** What does not fit is written as text. */
const room = 16_384;

/** V8 writes longer texts and lists faster. */
const shortText = 256;
const shortList = 32;

/** UTF-8 of a UTF-16 code unit. */
const maxBytesPerUnit = 3;

// Code units.
const quote = 0x22;
const comma = 0x2c;
const leftBracket = 0x5b;
const backslash = 0x5c;
const rightBracket = 0x5d;
const leftBrace = 0x7b;
const rightBrace = 0x7d;

/** In place of where to go on: it has no text, or none that is written in this way. */
const nothing = -1;

/**
 * Writes what `projection` writes of an input, into bytes that the next call writes over. Most of what policies read are short texts in
 * ASCII and integers: written where they go, they take 0.55x of the time of joining texts and writing those. Throws EvaluationError.
 */
export function inputWriter(paths: readonly (readonly string[])[] | undefined): (input: unknown) => Text {
  const part = partOf(paths, (name) => Buffer.from(labelOf(name)));
  const asText = projection(paths, partText);
  // To write behind the end of a typed array does nothing: one look is enough, when all is written.
  const bytes = Buffer.alloc(room);
  return (input) => {
    if (part === 'whole' || !hasMembers(input)) return asText(input);
    const end = writePart(bytes, 0, part, input);
    return end > room ? asText(input) : bytes.subarray(0, end);
  };
}

/** Each of these gives where to go on. */
function writePart(bytes: Buffer, start: number, part: Part<Uint8Array>, value: unknown): number {
  if (part === 'whole') return writeValue(bytes, start, value);
  if (!hasMembers(value)) return nothing;
  let at = start;
  for (const { name, label, part: below } of part) {
    const member = ownMember(value, name);
    if (member === undefined) continue;
    bytes[at] = at === start ? leftBrace : comma;
    for (let i = 0; i < label.length; i++) bytes[at + 1 + i] = label[i] as number;
    const end = writePart(bytes, at + 1 + label.length, below, member);
    if (end !== nothing) at = end;
  }
  if (at === start) bytes[at++] = leftBrace;
  bytes[at++] = rightBrace;
  return at;
}

function writeValue(bytes: Buffer, at: number, value: unknown): number {
  const end = Array.isArray(value) ? writeList(bytes, at, value) : writeShort(bytes, at, value);
  return end === nothing ? writeAny(bytes, at, value) : end;
}

function writeList(bytes: Buffer, start: number, items: readonly unknown[]): number {
  if (items.length > shortList) return nothing;
  let at = start;
  bytes[at++] = leftBracket;
  for (let i = 0; i < items.length; i++) {
    if (i > 0) bytes[at++] = comma;
    at = writeShort(bytes, at, items[i]);
    if (at === nothing) return nothing;
  }
  bytes[at++] = rightBracket;
  return at;
}

/** A short text in ASCII without escapes, or an integer. */
function writeShort(bytes: Buffer, at: number, value: unknown): number {
  if (typeof value === 'string') return value.length > shortText ? nothing : writeText(bytes, at, value);
  if (!Number.isSafeInteger(value)) return nothing;
  const digits = `${value as number}`;
  for (let i = 0; i < digits.length; i++) bytes[at + i] = digits.charCodeAt(i);
  return at + digits.length;
}

function writeText(bytes: Buffer, start: number, text: string): number {
  let at = start;
  bytes[at++] = quote;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e || unit === quote || unit === backslash) return nothing;
    bytes[at++] = unit;
  }
  bytes[at++] = quote;
  return at;
}

function writeAny(bytes: Buffer, at: number, value: unknown): number {
  const text = partText(value);
  if (text === undefined) return nothing;
  const most = at + maxBytesPerUnit * text.length;
  return most > room ? most : at + bytes.write(text, at);
}

function partText(value: unknown): string | undefined {
  const text = ((): string | undefined => {
    try {
      return wholeText(value);
    } catch (cause) {
      throw new EvaluationError(`the input is not JSON: ${(cause as Error).message}`, { cause });
    }
  })();
  if (text?.includes('\\ud') === true && halfCharacter.test(text)) {
    throw new EvaluationError('the input holds half a character');
  }
  return text;
}

/** As JSON.stringify writes it. OPA's reader refuses one and makes another character of two, so that none gets there. */
const halfCharacter = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;
