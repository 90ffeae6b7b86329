import type { Figure } from '../result.ts';
import type { Turn } from '../subject.ts';
import type { Named } from './same-answers.ts';

const shown = 5;

/** The inputs with the highest median, which single pauses of the machine do not move. */
export function slowestInputs(turns: readonly Turn[], inputs: readonly Named[]): readonly Figure[] {
  // With fewer there is nothing to choose from.
  if (inputs.length < 2) return [];
  const medians = inputs.map(({ name }, index) => ({ name, value: median(latenciesOf(index, turns, inputs.length)) }));
  return medians
    .sort((a, b) => b.value - a.value)
    .slice(0, shown)
    .map(({ name, value }) => ({ name: `slowest input: ${name}`, value, unit: 'us at the median' }));
}

function latenciesOf(index: number, turns: readonly Turn[], inputs: number): number[] {
  const found: number[] = [];
  for (const { micros } of turns) {
    for (let at = index; at < micros.length; at += inputs) found.push(micros[at] ?? 0);
  }
  return found;
}

function median(values: number[]): number {
  return Float64Array.from(values).sort()[values.length >> 1] ?? 0;
}
