/** Up to here each cut is tried alone. */
const longestBytes = 1500;
/** Longer than any line of the messages that many short ones make long, so that what goes wrong at one cut shows before the next. */
const strideBytes = 509;

/**
 * The message in pieces, cut at every place in turn. One of thousands of lines is cut at every 509th place at once, which
 * costs 509 readings and not one for each byte of it: what a reader has given out it never takes back, so a later cut can
 * hide nothing that an earlier one has shown.
 */
export function* everyCut(bytes: Buffer): Generator<readonly Buffer[]> {
  const stride = bytes.length > longestBytes ? strideBytes : bytes.length;
  for (let first = 1; first <= stride && first < bytes.length; first += 1) {
    const pieces = [bytes.subarray(0, first)];
    for (let at = first; at < bytes.length; at += stride) pieces.push(bytes.subarray(at, at + stride));
    yield pieces;
  }
}

/** @returns how many bytes stand before the cut, the first of its kind, with which the message reads differently */
export function cutThatReadsDifferently(
  bytes: Buffer,
  read: (pieces: readonly Buffer[]) => unknown,
): number | undefined {
  const whole = JSON.stringify(read([bytes]));
  for (const pieces of everyCut(bytes)) if (JSON.stringify(read(pieces)) !== whole) return pieces[0]?.length;
  return undefined;
}
