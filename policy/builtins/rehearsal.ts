import type { Value } from '../value/value.ts';
import type { Builtin, BuiltinContext } from './builtin.ts';

/** V8 begins to compile what was called some hundred times. */
const turns = 300;

const operands: ReadonlyMap<string, (turn: number) => readonly Value[]> = new Map([
  ['sprintf', (turn: number) => ['%s%d', ['text', turn]]],
  ['regex.match', (turn: number) => ['^(b+)+$', `a${turn}`]],
]);

const unmetered: BuiltinContext = { unixMs: undefined, charge: () => undefined };
const rehearsed = new Set<string>();

/**
 * Calls what V8 interprets ten times slower than it runs it, once in a thread and before the first decision: a policy that does not end
 * calls it for the first time too, and the budget of steps is to be used up within 10 ms then. Measured with `bench/runaway.ts`,
 * regular expressions in a loop: a quarter less, for 5 ms when the policy is loaded.
 */
export function rehearse(name: string, builtin: Builtin | undefined): void {
  const operandsOf = operands.get(name);
  if (builtin === undefined || operandsOf === undefined || rehearsed.has(name)) return;
  rehearsed.add(name);
  for (let turn = 0; turn < turns; turn++) builtin(unmetered, ...operandsOf(turn));
}
