import type { PolicyInput } from '../input.ts';

/** Read with care: an engine must not fail on an input that lacks a part. */
export function requestTime(input: PolicyInput): number | undefined {
  const incomplete: { readonly portcullis?: { readonly time?: { readonly unix_ms?: unknown } } } | null = input;
  const unixMs = incomplete?.portcullis?.time?.unix_ms;
  return typeof unixMs === 'number' ? unixMs : undefined;
}
