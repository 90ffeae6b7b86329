export type HeadLimits = { readonly maxHeadBytes: number; readonly maxHeaders: number };

/** Why there is no head; `line` counts from 1. */
export type HeadFault = {
  readonly fault: 'too-large' | 'too-many-lines' | 'bare-lf' | 'empty-first-line';
  readonly line: number;
};

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/**
 * Looks for the empty line that ends a head. Every line must end in CR LF: a lone LF means something else to some
 * parsers (CVE-2023-30589), so it is refused at once rather than waited over. Each byte is looked at once: a head that
 * comes byte by byte must not cost a search over all lines before each (THREATS 1.7).
 */
export class LineSearch {
  readonly #limits: HeadLimits;
  #lineStart = 0;
  #searched = 0;
  #lines = 0;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  /** Given everything that came so far: the offset behind the head, `'more'` when it is not complete, or what is wrong. */
  find(bytes: Buffer): number | 'more' | HeadFault {
    const { maxHeadBytes, maxHeaders } = this.#limits;
    const end = Math.min(bytes.length, maxHeadBytes);
    // A loop: in lines as short as those of a head, `indexOf` takes longer to begin than to search.
    for (let lf = this.#searched; lf < end; lf += 1) {
      if (bytes[lf] !== lineFeed) continue;
      if (lf === this.#lineStart || bytes[lf - 1] !== carriageReturn) return this.#fault('bare-lf');
      if (lf === this.#lineStart + 1) return this.#lines === 0 ? this.#fault('empty-first-line') : lf + 1;
      this.#lines += 1;
      // The first line is one of them. Refused, never cut: what is beyond the count may be the framing (CVE-2026-58044).
      if (this.#lines > maxHeaders + 1) return this.#fault('too-many-lines');
      this.#lineStart = lf + 1;
    }
    this.#searched = end;
    return bytes.length > maxHeadBytes ? this.#fault('too-large') : 'more';
  }

  #fault(fault: HeadFault['fault']): HeadFault {
    return { fault, line: this.#lines + 1 };
  }
}
