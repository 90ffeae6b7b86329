const freePieces = 1024;
const minAverageBytes = 16;

/** Whether a body comes in pieces that cost more than they carry (THREATS 1.7): beyond so many their average must reach a minimum. */
export function areTooTiny(pieces: number, bytes: number): boolean {
  return pieces > freePieces && bytes / pieces < minAverageBytes;
}
