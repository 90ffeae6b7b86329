import { PolicyError } from '../errors.ts';

/** What a bundle holds: content by name, such as `users/data.json`. The order is that of the archive. */
export type BundleFiles = ReadonlyMap<string, Uint8Array>;

export const bundleLimits = {
  /** Of the file, as it lies on the disk. */
  compressedBytes: 64 * 1024 * 1024,
  /** Of all content together. A bomb of gzip grows a thousandfold. */
  unpackedBytes: 64 * 1024 * 1024,
  entries: 10_000,
  nameBytes: 1024,
} as const;

/** Collects files under names that mean the same to everyone, and never more than fit. */
export class BundleCollector {
  readonly files = new Map<string, Uint8Array>();
  readonly #where: string;
  #bytes = 0;
  #entries = 0;

  /** `where` names the bundle in messages. */
  constructor(where: string) {
    this.#where = where;
  }

  /** Also for what is not kept, such as a folder: ten million of them are a bomb too. */
  countEntry(): void {
    this.#entries += 1;
    if (this.#entries > bundleLimits.entries) throw this.#tooLarge(`more than ${bundleLimits.entries} entries`);
  }

  add(rawName: string, content: Uint8Array): void {
    const name = plainName(rawName);
    if (name === undefined) throw this.invalid(`the name ${JSON.stringify(rawName)} is not a plain relative path`);
    if (this.files.has(name)) throw this.invalid(`${name} is there twice`);
    this.#bytes += content.byteLength;
    if (this.#bytes > bundleLimits.unpackedBytes) {
      throw this.#tooLarge(`more than ${bundleLimits.unpackedBytes} bytes of content`);
    }
    this.files.set(name, content);
  }

  invalid(what: string): PolicyError {
    return new PolicyError('bundle-invalid', `${this.#where}: ${what}`);
  }

  #tooLarge(what: string): PolicyError {
    return new PolicyError('policy-too-large', `${this.#where}: ${what}`);
  }
}

/**
 * OPA writes names with a leading slash that stands for the bundle itself, tar from inside a folder `./`. Whatever else is
 * not a plain path (`..`, an empty step, a backslash, a control character) is refused and never mended.
 */
export function plainName(raw: string): string | undefined {
  const name = raw.startsWith('./') ? raw.slice(2) : raw.startsWith('/') ? raw.slice(1) : raw;
  if (name.length > bundleLimits.nameBytes || /[\\\p{Cc}\p{Cs}\ufffd]/u.test(name)) return undefined;
  return name.split('/').every((step) => step !== '' && step !== '.' && step !== '..') ? name : undefined;
}
