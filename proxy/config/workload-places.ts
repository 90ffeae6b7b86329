import type { Draft } from './draft.ts';
import type { Settings } from './options.ts';

type Place = Partial<Pick<Draft<Settings['workload']>, 'address' | 'tls'>>;

/** Where requests go to, each with its path in the configuration. */
export function placesOf({ workload }: Draft<Settings>): readonly (readonly [readonly string[], Place])[] {
  if (workload === undefined) return [];
  const standby = workload.standby === undefined ? [] : [[['workload', 'standby'], workload.standby] as const];
  return [[['workload'], workload], ...standby];
}
