import { createTar } from 'nanotar';

/** What is wrong with an archive, in words. */
export class TarError extends Error {
  override readonly name = 'TarError';
}

const blockBytes = 512;
/** A name of its own record is never longer than this. */
const maxHeaderBytes = 64 * 1024;

/** Types of entries as POSIX and GNU number them; what is not here is refused by number. */
const refusedTypes: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a FIFO',
};

type Header = { readonly name: string; readonly type: string; readonly size: number };

export type TarVisitor = {
  /** Every entry, folders too. */
  readonly entry: () => void;
  readonly file: (name: string, content: Uint8Array) => void;
};

/**
 * Reads a tar archive (POSIX ustar with pax names, and GNU's long names) strictly: checksums, sizes, the end. Not with
 * nanotar, which writes ours: its reader mends names like `../x`, ignores checksums and ustar's prefix, and never ends on a
 * size below zero. Throws TarError.
 */
export function readTar(bytes: Uint8Array, visitor: TarVisitor): void {
  let longName: string | undefined;
  let at = 0;
  for (;;) {
    const header = readHeader(bytes, at);
    if (header === 'end') return requireZeros(bytes.subarray(at));
    at += blockBytes;
    const content = bytes.subarray(at, at + header.size);
    if (content.length < header.size) throw new TarError(`${header.name} is cut off`);
    at += Math.ceil(header.size / blockBytes) * blockBytes;
    visitor.entry();
    if (header.type === 'x' || header.type === 'g' || header.type === 'L') {
      longName = oneName(longName, readLongName(header, content));
      continue;
    }
    // Kept over every extended header until the entry that it is for.
    const given: string | undefined = longName;
    longName = undefined;
    if (header.type === '0') visitor.file(given ?? header.name, content);
    else if (header.type !== '5') throw refuseType(given ?? header.name, header.type);
  }
}

function readHeader(bytes: Uint8Array, at: number): Header | 'end' {
  const block = bytes.subarray(at, at + blockBytes);
  if (block.length < blockBytes) throw new TarError('the archive is cut off: its end is missing');
  if (block.every((byte) => byte === 0)) return 'end';
  const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
  if (octal(block, 148, 8) !== sum) throw new TarError(`the header at byte ${at} does not match its checksum`);
  const prefix = text(block.subarray(257, 263)) === 'ustar' ? text(block.subarray(345, 500)) : '';
  const name = text(block.subarray(0, 100));
  const type = String.fromCharCode(block[156] || 0x30);
  return { name: prefix === '' ? name : `${prefix}/${name}`, type, size: octal(block, 124, 12) };
}

/** Digits, then nothing but spaces or NUL: no sign, and not GNU's base 256, which begins at eight gigabytes. */
function octal(block: Uint8Array, at: number, length: number): number {
  const [, digits] =
    /^ *([0-7]{1,11})[ \0]*$/.exec(Buffer.from(block.subarray(at, at + length)).toString('latin1')) ?? [];
  if (digits === undefined) throw new TarError('a header holds a number that is none');
  return Number.parseInt(digits, 8);
}

/** For the next entry: a pax record of length, key and value, or GNU's bare name. */
function readLongName({ name, type, size }: Header, content: Uint8Array): string | undefined {
  if (size > maxHeaderBytes) throw new TarError(`the extended header ${name} has ${size} bytes`);
  if (type === 'L') return text(content);
  let path: string | undefined;
  for (let at = 0; at < content.length; ) {
    const [, length = '', key = ''] =
      /^([1-9]\d{0,5}) ([^=\n]+)=/.exec(Buffer.from(content.subarray(at, at + 128)).toString('latin1')) ?? [];
    const record = content.subarray(at, at + Number(length));
    const start = length.length + key.length + 2;
    if (length === '' || record.length !== Number(length) || record.at(-1) !== 0x0a || start >= record.length) {
      throw new TarError(`the extended header ${name} is malformed`);
    }
    if (key === 'path' && type === 'x') path = text(record.subarray(start, -1));
    // Times, owners and comments change nothing; these would change what the archive holds.
    else if (key === 'path' || key === 'linkpath' || key === 'size' || key.startsWith('GNU.sparse')) {
      throw new TarError(`the extended header ${name} sets ${key}`);
    }
    at += record.length;
  }
  return path;
}

/** Of two names for one entry, which counts differs from reader to reader. */
function oneName(before: string | undefined, next: string | undefined): string | undefined {
  if (before !== undefined && next !== undefined) throw new TarError(`${next} has the name ${before} already`);
  return next ?? before;
}

/** Up to the first NUL. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      end === -1 ? bytes : bytes.subarray(0, end),
    );
  } catch {
    throw new TarError('a name is not UTF-8');
  }
}

function requireZeros(rest: Uint8Array): void {
  if (rest.some((byte) => byte !== 0)) throw new TarError('something follows the end of the archive');
}

function refuseType(name: string, type: string): TarError {
  return new TarError(`${name} is ${refusedTypes[type] ?? `an entry of type ${JSON.stringify(type)}`}`);
}

/** The same files give the same bytes: no times, no owners. */
export function writeTar(files: readonly (readonly [name: string, content: Uint8Array])[]): Uint8Array {
  const attrs = { mode: '600', uid: 0, gid: 0, mtime: 0 };
  const tar = createTar(
    files.map(([name, data]) => ({ name, data })),
    { attrs },
  );
  // nanotar leaves the end out where the files fill its last record.
  return Buffer.concat([tar, Buffer.alloc(2 * blockBytes)]);
}
