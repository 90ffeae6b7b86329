import type { SpiffeId, TrustDomain } from '../../certs/spiffe-id.ts';

/** A foreign trust domain, and what says whom to believe in it. Absolute paths. */
export type FederationConfig = FetchedBundleConfig | BundleFileConfig;

export type BundleFileConfig = {
  readonly kind: 'file';
  readonly trustDomain: TrustDomain;
  readonly file: string;
};

/** From its bundle endpoint. */
export type FetchedBundleConfig = {
  readonly kind: 'url';
  readonly trustDomain: TrustDomain;
  readonly url: string;
  /** By what the server is known: a certificate for its name, or an SVID of this trust domain. */
  readonly server:
    | { readonly kind: 'web'; readonly caFile: string | undefined }
    | { readonly kind: 'spiffe'; readonly spiffeId: SpiffeId; readonly bootstrapFile: string };
  /** Undefined where the bundle itself says it. */
  readonly refreshMs: number | undefined;
  /** For so long what was fetched is believed while nothing new comes. */
  readonly maxAgeMs: number;
};

/** Names of the routes that callers of a foreign trust domain may ask on. */
export type FederatedRoutes = { readonly trustDomain: TrustDomain; readonly routes: readonly string[] };
