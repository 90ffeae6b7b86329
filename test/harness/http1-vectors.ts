import { readdirSync, readFileSync } from 'node:fs';

/** Bytes as text, one character per byte; a part that repeats is written once. */
type Part = string | { readonly repeat: string; readonly times: number };

/** One request as it goes over the wire, and what must become of it. */
export type Vector = {
  readonly name: string;
  /** The RFC section that says what is right; behind it the advisory or THREATS row that shows why it matters. */
  readonly ref: string;
  readonly bytes: Part | readonly Part[];
  /** True when the request itself says that it is the last of its connection. */
  readonly closes?: boolean;
  /** What the audit names as the target, where that is not what was sent: a credential was masked. */
  readonly recorded?: string;
  readonly expect: { readonly status: number; readonly code: string } | { readonly forwarded: Forwarded };
};

/** What was judged, and what the workload receives before the fields that the proxy adds. */
export type Forwarded = {
  readonly line: string;
  /** `name: value`, in order. */
  readonly headers: readonly string[];
  readonly body: string;
};

export type VectorGroup = { readonly name: string; readonly about: string; readonly vectors: readonly Vector[] };

export function loadVectors(): readonly VectorGroup[] {
  const folder = new URL('../vectors/http1/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((file) => {
      const group = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Omit<VectorGroup, 'name'>;
      return { ...group, name: file.slice(0, -'.json'.length) };
    });
}

export function bytesOf({ bytes }: Vector): Buffer {
  const parts = typeof bytes === 'object' && !('repeat' in bytes) ? bytes : [bytes];
  const text = parts.map((part) => (typeof part === 'string' ? part : part.repeat.repeat(part.times))).join('');
  return Buffer.from(text, 'latin1');
}
