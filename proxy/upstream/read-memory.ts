const bytes = 64 * 1024;

/**
 * What all connections of this thread read into. One is enough: libuv reads and reports with nothing in between, and
 * whoever keeps bytes copies them. So memory does not grow with connections, and no read allocates 64 KB.
 */
export const sharedMemory = Buffer.allocUnsafeSlow(bytes);

/** A read of so much is worth handing on in the memory that it came in. */
export const largeRead = bytes / 4;

/** As much of it is kept as a few fast bodies have in flight. */
const maxSpare = 32;
const spare: Buffer[] = [];

/**
 * Memory of one's own, for a large body. It goes round: what the collector has to clean up counts for V8 as memory that is used
 * up, and at 1 MB an answer it collected everything, old objects included, every few dozen answers.
 */
export function borrowMemory(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(bytes);
}

/** Once, by who has it, when nobody reads from it any more. Who is not sure forgets it instead. */
export function giveBack(memory: Buffer): void {
  if (spare.length < maxSpare) spare.push(memory);
}
