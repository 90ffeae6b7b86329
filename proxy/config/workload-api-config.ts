import type { SocketGrant } from '../../certs/workload-api/serve.ts';
import type { TrustDomain } from '../../certs/spiffe-id.ts';
import type { AuditConfig, LocalCaConfig } from './config.ts';

/** Everything an operator decides about `portcullis workload-api`, after parsing; frozen. */
export type ServedWorkloadApiConfig = {
  readonly trustDomain: TrustDomain;
  readonly stateFolder: string;
  readonly ca: Omit<LocalCaConfig, 'kind'>;
  readonly jwtSvidLifetimeMs: number;
  readonly sockets: readonly SocketGrant[];
  readonly audit: AuditConfig;
};
