import type { LoadRequest } from '../load/load-request.ts';
import { collections } from '../peers/policy/rules.ts';

const json = { 'content-type': 'application/json' };
/** What a client in a mesh sends besides. */
const usual = { accept: 'application/json', 'user-agent': 'bench/1.0' };

/** Over all collections that have rules, so that no peer can remember one answer. */
export function gets(rules = 100): readonly LoadRequest[] {
  return collections(rules).map((name, n) => ({ method: 'GET', path: `/${name}/${1000 + n}`, headers: usual }));
}

/** Orders of about so many bytes, valid by their schema: a long text in the small ones, many lines in the large ones. */
export function posts(bytes: number, rules = 100): readonly LoadRequest[] {
  const body = order(bytes);
  return collections(rules).map((name, n) => {
    return { method: 'POST', path: `/${name}/${1000 + n}`, headers: { ...usual, ...json }, body };
  });
}

function order(bytes: number): string {
  const line = { sku: 'ABC-123456', quantity: 12, price: 34.5 };
  const head = { id: 4711, customer: 'Example Trading', currency: 'EUR' };
  const room = bytes - JSON.stringify({ ...head, note: '', lines: [line] }).length;
  const note = 'x'.repeat(Math.max(0, Math.min(700, room)));
  const lineBytes = JSON.stringify(line).length + 1;
  const more = Math.max(0, Math.floor((room - note.length) / lineBytes));
  return JSON.stringify({ ...head, note, lines: Array.from({ length: 1 + more }, () => line) });
}
