import type { Until } from './closed-loop.ts';
import type { LoadRequest } from './load-request.ts';
import type { Rate } from './open-loop.ts';
import type { LoadOutcome } from './tally.ts';
import type { Target } from './target.ts';

/** What the process of the generator is asked to do, one order at a time for each pool. */
export type Order =
  | { readonly do: 'open'; readonly pool: number; readonly target: Target; readonly connections: number }
  | {
      readonly do: 'closed-loop';
      readonly pool: number;
      readonly requests: readonly LoadRequest[];
      readonly until: Until;
    }
  | { readonly do: 'open-loop'; readonly pool: number; readonly requests: readonly LoadRequest[]; readonly rate: Rate }
  | {
      readonly do: 'new-connections';
      readonly target: Target;
      readonly requests: readonly LoadRequest[];
      readonly atOnce: number;
      readonly until: Until;
    }
  | { readonly do: 'alive'; readonly pool: number }
  | { readonly do: 'close'; readonly pool: number };

export type Report =
  | { readonly kind: 'done' }
  | { readonly kind: 'alive'; readonly alive: number }
  | { readonly kind: 'outcome'; readonly outcome: LoadOutcome }
  /** The target cannot be reached. */
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'bug'; readonly stack: string };

export type Numbered<T> = { readonly id: number; readonly content: T };
