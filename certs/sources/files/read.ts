import { readFile, stat } from 'node:fs/promises';
import { CertsError } from '../../errors.ts';
import { readSecret } from '../../local-ca/secret-files.ts';
import type { FileProblem, SvidFiles } from './problem.ts';

/** Each part as text, or why there is none. */
export type FileTexts = { readonly [Part in keyof SvidFiles]: string | FileProblem };

/** A bundle of a hundred roots has a fifth of this. */
const maxBytes = 1024 * 1024;
const attempts = 5;

/**
 * The three files as they belong together: read until two readings in a row agree, so that a swap in between (the link
 * `..data` of a Kubernetes volume) does not pair the old certificate with the new key.
 */
export async function readTogether(files: SvidFiles): Promise<FileTexts> {
  let before = await readOnce(files);
  for (let attempt = 1; attempt < attempts; attempt++) {
    const now = await readOnce(files);
    if (JSON.stringify(now) === JSON.stringify(before)) return now;
    before = now;
  }
  return before;
}

async function readOnce(files: SvidFiles): Promise<FileTexts> {
  const [certificate, key, bundle] = await Promise.all([
    readPart('certificate', files.certificate),
    readPart('key', files.key),
    readPart('bundle', files.bundle),
  ]);
  return { certificate, key, bundle };
}

async function readPart(part: keyof SvidFiles, file: string): Promise<string | FileProblem> {
  const problem = (message: string, code: FileProblem['code'] = 'identity-file-unreadable') =>
    ({ part, code, file, line: undefined, message }) as const;
  try {
    const found = await stat(file);
    // A FIFO or device would never end, or block the reader for good.
    if (!found.isFile()) return problem(found.isDirectory() ? 'is a folder, not a file' : 'is not a regular file');
    if (found.size > maxBytes) return problem(`has ${found.size} bytes, more than ${maxBytes}`);
    const text = part === 'key' ? await readSecret(file, 'identity-file-unreadable') : await readFile(file, 'utf8');
    return text.trim() === '' ? problem('is empty') : text;
  } catch (cause) {
    if (cause instanceof CertsError) return problem(withoutName(cause.message, file), cause.code);
    return problem(`cannot be read (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`);
  }
}

function withoutName(message: string, file: string): string {
  return message.startsWith(file) ? message.slice(file.length).replace(/^:? /, '') : message;
}
