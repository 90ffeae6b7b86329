/** A piece of this size is worth a buffer of its own; smaller ones are copied behind each other. */
const largePieceBytes = 4096;
const minBlockBytes = 1024;
const maxBlockBytes = 65_536;
const none = Buffer.alloc(0);

/**
 * The pieces of a body of at most `maxBytes`, in few buffers however small they come: to keep a piece of one byte takes a
 * hundred times as much, which `limits.max_held` does not count. The first and large ones are kept as they are, so that a
 * body in one piece is never copied.
 */
export function bodyPieces(maxBytes: number) {
  const buffers: Buffer[] = [];
  let bytes = 0;
  /** Of the block that is being filled, `begin` to `end` is not among the buffers yet. */
  let block = none;
  let begin = 0;
  let end = 0;
  const closeRun = () => {
    if (end > begin) buffers.push(block.subarray(begin, end));
    begin = end;
  };
  const copy = (piece: Buffer) => {
    const fits = piece.copy(block, end);
    end += fits;
    if (fits === piece.length) return;
    closeRun();
    const rest = piece.length - fits;
    // As much again as there is: few blocks, and never much more room than bytes.
    const room = Math.min(Math.max(bytes, minBlockBytes), maxBlockBytes, maxBytes - bytes + rest);
    block = Buffer.allocUnsafeSlow(room);
    begin = 0;
    end = piece.copy(block, 0, fits);
  };
  return {
    /** Nothing may be added beyond `maxBytes`. */
    add: (piece: Buffer): void => {
      bytes += piece.length;
      if (buffers.length > 0 && piece.length < largePieceBytes) return copy(piece);
      closeRun();
      buffers.push(piece);
    },
    /** All of them in order, when no more come. */
    all: (): readonly Buffer[] => {
      closeRun();
      return buffers;
    },
  };
}
