import type { QueryChanges } from '../../policy/verdict.ts';

/**
 * The target with another query: what is removed or set is gone wherever it stood, what is set comes last in canonical
 * encoding, and everything between stays as it was sent, byte for byte.
 * @param target one that `readTarget` accepts
 */
export function rewriteQuery(target: string, { set, remove }: QueryChanges): string {
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const pairs = mark === -1 ? [] : target.slice(mark + 1).split('&');
  const replaced = new Set([...remove, ...set.map(([name]) => name)]);
  const kept = pairs.filter((pair) => pair !== '' && !replaced.has(nameOf(pair)));
  const added = set.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  const query = [...kept, ...added].join('&');
  return query === '' ? path : `${path}?${query}`;
}

function nameOf(pair: string): string {
  const equals = pair.indexOf('=');
  return decodeURIComponent((equals === -1 ? pair : pair.slice(0, equals)).replaceAll('+', ' '));
}
