import type { SocketGrant } from '../../certs/workload-api/serve.ts';
import type { SpiffeId, TrustDomain } from '../../certs/spiffe-id.ts';
import type { AuditConfig, FetchConfig, LocalCaConfig } from './config.ts';
import type { FederationConfig } from './federation-config.ts';

/** What is served from the local CA, by `portcullis workload-api` or inside `run`; frozen. */
export type ServedWorkloadApiConfig = {
  readonly trustDomain: TrustDomain;
  readonly stateFolder: string;
  readonly ca: Omit<LocalCaConfig, 'kind'>;
  readonly jwtSvidLifetimeMs: number;
  readonly sockets: readonly SocketGrant[];
  readonly bundleEndpoint: BundleEndpointConfig | undefined;
  readonly audit: AuditConfig;
};

/** Everything an operator decides about `portcullis workload-api`. */
export type WorkloadApiFileConfig = ServedWorkloadApiConfig & {
  readonly federation: readonly FederationConfig[];
  readonly fetch: FetchConfig;
};

/** Absolute paths. */
export type BundleEndpointConfig = {
  readonly listen: { readonly host: string; readonly port: number };
  readonly refreshHintMs: number;
  /** How it proves itself. */
  readonly server:
    | { readonly kind: 'web'; readonly certificate: string; readonly key: string }
    | { readonly kind: 'spiffe'; readonly spiffeId: SpiffeId };
};
