import type { HeaderList } from '../../header-list.ts';

/** Bytes: name, value and 32 for each field (RFC 7541 section 4.1), as SETTINGS_MAX_HEADER_LIST_SIZE counts them. */
export type BlockLimits = { readonly maxBytes: number; readonly maxFields: number };

/** Latin1, one character for each octet; in the order sent, and nothing judged. Of a block beyond a limit what stands before that. */
export type FieldBlock = { readonly kind: 'fields' | 'too-large' | 'too-many'; readonly fields: HeaderList };

/**
 * The fields of one block as far as the limits go. A reference of one octet counts as the whole field that it stands for, so a block of
 * references to a large entry is over at once (HPACK bomb, CVE-2016-6581; CVE-2026-49975 for many small ones).
 */
export class KeptFields {
  readonly #fields: string[] = [];
  #left: number;
  #fieldsLeft: number;
  #excess: 'too-large' | 'too-many' | undefined;

  constructor(limits: BlockLimits) {
    this.#left = limits.maxBytes;
    this.#fieldsLeft = limits.maxFields;
  }

  /** Counts a field. Only when it is still within the limits does `keep` have to follow. */
  takes(size: number): boolean {
    if (this.#excess !== undefined) return false;
    this.#left -= size;
    this.#fieldsLeft -= 1;
    if (this.#left >= 0 && this.#fieldsLeft >= 0) return true;
    this.#excess = this.#left < 0 ? 'too-large' : 'too-many';
    return false;
  }

  keep(name: string, value: string): void {
    this.#fields.push(name, value);
  }

  /** What stands within the limits, and which of them came first, where one did. */
  outcome(): FieldBlock {
    return { kind: this.#excess ?? 'fields', fields: this.#fields };
  }
}
