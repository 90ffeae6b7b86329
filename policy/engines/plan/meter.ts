import type { Value } from '../../value/value.ts';
import { compareSteps, weigh, weighKey } from './weigh.ts';

/** The budget of one module: generated code counts with two variables of its own, everything else through this. */
export type Meter = {
  /** Throws EvaluationError when there are no more steps. */
  readonly charge: (steps: number) => void;
  readonly stepsLeft: () => number;
};

/** Pays for reading the whole of a value, before it is compared or copied. */
export function chargeReading({ charge, stepsLeft }: Meter, value: Value | undefined): void {
  if (typeof value === 'object' && value !== null) charge(weigh(value, stepsLeft()));
}

/** Pays for the key of a value, before a set or an object is asked for it: it is found by comparing. */
export function chargeKey({ charge, stepsLeft }: Meter, value: Value | undefined): void {
  if (typeof value === 'object') {
    if (value !== null) charge(weighKey(value, stepsLeft()));
  } else if (typeof value === 'string' || typeof value === 'bigint') charge(compareSteps(value));
}
