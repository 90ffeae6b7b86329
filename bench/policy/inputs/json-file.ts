import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { readStrictJson } from '../../../policy/json/strict-json.ts';
import { positionOfOffset } from '../../../proxy/config/json-position.ts';
import { ProxyError } from '../../../proxy/errors.ts';

/** One of the values of a file, with where it stands. */
export type Entry = { readonly name: string; readonly value: unknown };

const maxDepth = 512;

/** One JSON document, the items of a JSON array, or one document on each line. Throws ProxyError. */
export async function readEntries(file: string): Promise<readonly Entry[]> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw unusable(`${file} cannot be read (${cause.code})`);
  });
  const lines = linesOf(bytes);
  if (lines.length === 0) throw unusable(`${file} is empty`);
  const entries = isLines(lines) ? lines.map((line) => lineEntry(file, line)) : wholeEntries(file, bytes);
  if (entries.length === 0) throw unusable(`${file} holds an empty array, and so no input`);
  return entries;
}

export const unusable = (message: string): ProxyError => new ProxyError('bench-input-unusable', message);

type Line = { readonly number: number; readonly bytes: Uint8Array };

function linesOf(bytes: Buffer): readonly Line[] {
  const lines: Line[] = [];
  for (let from = 0, number = 1; from < bytes.length; number++) {
    const end = bytes.indexOf(0x0a, from);
    const line = bytes.subarray(from, end === -1 ? bytes.length : end);
    if (line.toString('latin1').trim() !== '') lines.push({ number, bytes: line });
    from += line.length + 1;
  }
  return lines;
}

/** A document that is spread over lines is none on its first one; several that are whole are lines. */
function isLines([first, ...more]: readonly Line[]): boolean {
  return first !== undefined && more.length > 0 && readStrictJson(first.bytes, { maxDepth }).ok;
}

function lineEntry(file: string, { number, bytes }: Line): Entry {
  const read = readStrictJson(bytes, { maxDepth });
  if (read.ok) return { name: `${basename(file)}:${number}`, value: read.value };
  const { column } = positionOfOffset(bytes, read.problem.offset);
  throw unusable(`${file}:${number}:${column}: ${read.problem.detail}`);
}

function wholeEntries(file: string, bytes: Uint8Array): readonly Entry[] {
  const read = readStrictJson(bytes, { maxDepth });
  if (!read.ok) {
    const { line, column } = positionOfOffset(bytes, read.problem.offset);
    throw unusable(`${file}:${line}:${column}: ${read.problem.detail}`);
  }
  if (!Array.isArray(read.value)) return [{ name: basename(file), value: read.value }];
  return read.value.map((value: unknown, index) => ({ name: `${basename(file)}, item ${index + 1}`, value }));
}
