import { RegoDecimal } from '../../policy/value/value.ts';

/** A result as text that is the same whoever gave it; `undefined` for none. */
export function answerText(result: unknown): string {
  if (result === undefined) return 'undefined';
  // Peers read what no double holds as the nearest one.
  if (typeof result === 'bigint' || result instanceof RegoDecimal) return JSON.stringify(Number(result));
  if (typeof result !== 'object' || result === null) return JSON.stringify(result);
  // Each of them has its own order for what comes from a set, and a list in JSON does not say that it was one.
  if (Array.isArray(result)) return `[${result.map(answerText).sort().join(',')}]`;
  const members = Object.entries(result).map(([name, part]) => `${JSON.stringify(name)}:${answerText(part)}`);
  return `{${members.sort().join(',')}}`;
}

/** The one result of a result set; undefined when it is empty. */
export function resultOf(set: unknown): unknown {
  return (set as readonly { readonly result: unknown }[])[0]?.result;
}
