import type { SocketGrant } from '../../certs/workload-api/serve.ts';
import type { SpiffeId, TrustDomain } from '../../certs/spiffe-id.ts';
import type { AuditConfig, LocalCaConfig } from './config.ts';

/** Everything an operator decides about `portcullis workload-api`, after parsing; frozen. */
export type ServedWorkloadApiConfig = {
  readonly trustDomain: TrustDomain;
  readonly stateFolder: string;
  readonly ca: Omit<LocalCaConfig, 'kind'>;
  readonly jwtSvidLifetimeMs: number;
  readonly sockets: readonly SocketGrant[];
  readonly bundleEndpoint: BundleEndpointConfig | undefined;
  readonly audit: AuditConfig;
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
