export type PlanLimits = {
  /** Iterations, calls, and what built-ins charge for their work. */
  readonly maxSteps: number;
  /** What a decision may allocate altogether, estimated. */
  readonly maxMemoryBytes: number;
};

export const defaultPlanLimits: PlanLimits = { maxSteps: 22_000, maxMemoryBytes: 64 * 1024 * 1024 };
