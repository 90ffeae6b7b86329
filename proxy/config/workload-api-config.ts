import type { FetchConfig, ServedWorkloadApiConfig } from './config.ts';
import type { FederationConfig } from './federation-config.ts';

/** Everything an operator decides about `portcullis workload-api`. */
export type WorkloadApiFileConfig = ServedWorkloadApiConfig & {
  readonly federation: readonly FederationConfig[];
  readonly fetch: FetchConfig;
};
