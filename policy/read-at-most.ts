import { createReadStream } from 'node:fs';

/** The first `most` bytes, of a pipe or an endless device too, whose size nobody can ask. */
export async function readAtMost(file: string, most: number): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  for await (const piece of createReadStream(file, { end: most - 1 })) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
