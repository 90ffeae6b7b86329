import { bytesOfBase64 } from '../encoding/base64.ts';
import { attempt } from '../builtin.ts';

export type PemBlock = {
  /** What stands between BEGIN and the dashes, for example `CERTIFICATE`. */
  readonly label: string;
  readonly bytes: Buffer;
  /** Where the text goes on behind the block. */
  readonly end: number;
};

const boundary = /^-----(BEGIN|END) ([^\r\n]*?)-----[ \t]*\r?(?:\n|$)/gm;

/** RFC 1421 headers, as OpenSSL writes them into encrypted keys, and the empty line behind them. */
const headers = /^(?:[^\n:]*:[^\n]*\n)+[ \t]*\r?\n/;

/**
 * The PEM blocks of a text in one pass (CVE-2025-61723: blocks without an end made Go's reader quadratic). As in Go, what
 * stands around the blocks is skipped, and so is a block that is malformed.
 */
export function* pemBlocks(text: string): Generator<PemBlock> {
  let label: string | undefined;
  let start = 0;
  for (const found of text.matchAll(boundary)) {
    const end = found.index + found[0].length;
    if (found[1] === 'BEGIN') {
      label = found[2];
      start = end;
      continue;
    }
    const bytes = found[2] === label ? bodyOf(text.slice(start, found.index)) : undefined;
    if (label !== undefined && bytes !== undefined) yield { label, bytes, end };
    label = undefined;
  }
}

const bodyOf = (lines: string): Buffer | undefined =>
  attempt(() => bytesOfBase64(lines.replace(headers, '').replaceAll(/[ \t]/g, '')));
