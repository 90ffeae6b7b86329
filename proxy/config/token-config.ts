import type { SpiffeId, TrustDomain } from '../../certs/spiffe-id.ts';
import type { SignatureAlgorithm } from '../user/algorithms.ts';

/** Whose tokens of end users are believed, and what for. */
export type IssuerConfig = {
  /** What routes, policy and audit call it. */
  readonly name: string;
  /** `iss`, compared character for character. */
  readonly issuer: string;
  readonly realm: 'internal' | 'federated' | 'external';
  readonly keys: IssuerKeysConfig;
  readonly algorithms: readonly SignatureAlgorithm[];
  /** `aud` has one of these. */
  readonly audience: readonly string[];
  readonly tokenTypes: readonly ('at+jwt' | 'JWT')[];
  readonly maxTokenAgeMs: number;
  readonly clockToleranceMs: number;
  /** Undefined where tokens that are bound to a key are refused. */
  readonly dpop: DpopConfig | undefined;
  /** Undefined where what was verified here is enough. */
  readonly introspection: IntrospectionConfig | undefined;
};

/** Where it is asked whether a token is still active (RFC 7662). Absolute paths. */
export type IntrospectionConfig = {
  readonly endpoint: string;
  readonly clientId: string;
  /** Its first line is the secret. */
  readonly clientSecretFile: string;
  /** PEM file of the roots for it; undefined for those of `fetch`. */
  readonly caFile: string | undefined;
  readonly timeoutMs: number;
  /** How long an answer counts; 0 where each request asks. */
  readonly maxAgeMs: number;
  readonly maxEntries: number;
};

/** How clients prove that they hold the key of their token (RFC 9449). */
export type DpopConfig = {
  /** Whether a token without a proof is refused. */
  readonly required: boolean;
  /** Of the signatures of proofs. */
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly maxAgeMs: number;
};

/** Peers that present the JWT-SVIDs of their callers. */
export type LoadBalancersConfig = {
  readonly peers: readonly SpiffeId[];
  /** Lower case. */
  readonly header: string;
  /** Whether a request without a JWT-SVID is one of the load balancer itself. */
  readonly optional: boolean;
  readonly audience: readonly string[];
  readonly maxLifetimeMs: number;
  readonly jwtBundles: readonly JwtBundleConfig[];
};

/** Where the keys of a trust domain are: in a file, at its bundle endpoint, or else with the agent of our own identity. */
export type JwtBundleConfig = {
  readonly trustDomain: TrustDomain;
  readonly file: string | undefined;
  readonly isFederated?: true;
};

/** Where an issuer's JWK set comes from. */
export type IssuerKeysConfig =
  | { readonly kind: 'file'; readonly file: string }
  | {
      readonly kind: 'url';
      /** Undefined where the issuer's own metadata say it (OpenID Connect Discovery). */
      readonly jwksUri: string | undefined;
      readonly refreshMs: number;
      /** For so long what was fetched is believed while nothing new comes. */
      readonly maxAgeMs: number;
    };
