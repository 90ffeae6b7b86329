// Writes SHA256SUMS into a folder: of everything below it, and of the files named, by their paths from there. The option
// `installation` holds a start to it once somebody has signed it. Usage: node sums.mjs FOLDER [FILE...]
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const [folder, ...others] = process.argv.slice(2).map((path) => resolve(path));
const sums = join(folder, 'SHA256SUMS');
const below = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));

const lines = [...below, ...others]
  .filter((path) => path !== sums)
  .toSorted((a, b) => (a < b ? -1 : 1))
  .map((path) => `${createHash('sha256').update(readFileSync(path)).digest('hex')}  ${relative(folder, path)}\n`);
writeFileSync(sums, lines.join(''));
