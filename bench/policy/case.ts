import type { PolicyBundle } from '../../policy/bundle/bundle.ts';
import type { EngineSettings } from '../../policy/engines/settings.ts';
import type { OpaPolicy } from '../peers/opa.ts';
import type { Named } from './same-answers.ts';

/** One policy and what it is asked. */
export type Case = {
  /** Empty where there is one only; else a number and what it counts. */
  readonly name: string;
  readonly bundle: PolicyBundle;
  readonly settings: EngineSettings;
  readonly inputs: readonly Named[];
  /** What OPA loads to decide the same, or why it cannot. */
  readonly forOpa: OpaPolicy | { readonly without: string };
  /** The file of the policy as its owner knows it. */
  readonly pathOf: (file: string) => string;
};

export type Cases = {
  /** The same for every run of the same measurement, since only such runs can be compared. */
  readonly scenario: string;
  /** Opened one after the other. */
  readonly cases: readonly (() => Promise<Case>)[];
  readonly notes: readonly string[];
};
