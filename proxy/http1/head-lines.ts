export type HeadLimits = { readonly maxHeadBytes: number; readonly maxHeaders: number };

/** Why there is no head; `line` counts from 1. */
export type HeadFault = {
  readonly fault: 'too-large' | 'too-many-lines' | 'bare-lf' | 'empty-first-line';
  readonly line: number;
};

/** Given everything that came so far: the offset behind the head, `'more'` when it is not complete, or what is wrong. */
export type LineSearch = (bytes: Buffer) => number | 'more' | HeadFault;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/**
 * Looks for the empty line that ends a head. Every line must end in CR LF: a lone LF means something else to some
 * parsers (CVE-2023-30589), so it is refused at once rather than waited over. Each byte is looked at once: a head that
 * comes byte by byte must not cost a search over all lines before each (THREATS 1.7).
 */
export function lineSearch(limits: HeadLimits): LineSearch {
  let lineStart = 0;
  let searched = 0;
  let lines = 0;
  const fault = (name: HeadFault['fault']): HeadFault => ({ fault: name, line: lines + 1 });
  return (bytes) => {
    const end = Math.min(bytes.length, limits.maxHeadBytes);
    // A loop: in lines as short as those of a head, `indexOf` takes longer to begin than to search.
    for (let lf = searched; lf < end; lf += 1) {
      if (bytes[lf] !== lineFeed) continue;
      if (lf === lineStart || bytes[lf - 1] !== carriageReturn) return fault('bare-lf');
      if (lf === lineStart + 1) return lines === 0 ? fault('empty-first-line') : lf + 1;
      lines += 1;
      // The first line is one of them. Refused, never cut: what is beyond the count may be the framing (CVE-2026-58044).
      if (lines > limits.maxHeaders + 1) return fault('too-many-lines');
      lineStart = lf + 1;
    }
    searched = end;
    return bytes.length > limits.maxHeadBytes ? fault('too-large') : 'more';
  };
}
