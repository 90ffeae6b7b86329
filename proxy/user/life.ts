/** How long a token, or a proof of possession, could be shown again. */
export type Life = {
  /** When the configuration in force takes it no more. */
  readonly endsMs: number;
  /** When none could: a reload that lets tokens live longer must not find a used one forgotten. */
  readonly forgottenMs: number;
};

/** The most that `max_token_age`, `clock_tolerance` and `dpop.max_age` may be. */
export const longest = { tokenAgeMs: 24 * 3_600_000, clockToleranceMs: 2 * 60_000, proofAgeMs: 5 * 60_000 } as const;
