import type { Endpoint } from '../../certs/sources/workload-api/endpoint.ts';
import type { SocketGrant } from '../../certs/workload-api/serve.ts';
import type { SpiffeId, TrustDomain } from '../../certs/spiffe-id.ts';
import type { EngineSettings } from '../../policy/engines/settings.ts';
import type { FederatedRoutes, FederationConfig } from './federation-config.ts';
import type { IssuerConfig, LoadBalancersConfig } from './token-config.ts';
import type { BundleEndpointConfig } from './bundle-endpoint-config.ts';

/**
 * Everything an operator decides, after parsing: no field is optional "in practice", no value needs a second look.
 * Only `loadConfig` makes one, and it freezes it. Durations are milliseconds and sizes are bytes; names say so.
 */
export type Config = {
  /** The absolute path of the file this came from, for messages. */
  readonly file: string;
  readonly identity: IdentityConfig;
  readonly listen: { readonly host: string; readonly port: number };
  /** Undefined where HTTP/1.1 alone is served. */
  readonly http2: Http2Config | undefined;
  readonly workload: WorkloadConfig;
  readonly policy: PolicyConfig;
  readonly issuers: readonly IssuerConfig[];
  /** Undefined where every peer is its own caller. */
  readonly loadBalancers: LoadBalancersConfig | undefined;
  readonly routes: readonly RouteConfig[];
  readonly limits: LimitsConfig;
  readonly audit: AuditConfig;
  readonly admin: Address | 'off';
  /** Identities whose denials carry policy details. */
  readonly explainTo: readonly SpiffeId[];
  /** Whom to refuse whatever the certificates say. */
  readonly denylistFile: string | undefined;
  readonly crls: readonly CrlConfig[];
  readonly federation: readonly FederationConfig[];
  /** Undefined where the policy alone decides about foreign trust domains; else whose is not in it has no route. */
  readonly federatedRoutes: readonly FederatedRoutes[] | undefined;
  /** What is served from the local CA beside the proxy's own work. */
  readonly workloadApi: ServedWorkloadApiConfig | undefined;
  readonly fetch: FetchConfig;
  readonly threads: number;
  readonly drainMs: number;
  /** What it refuses is refused by then; `fips` refuses what `regulated` does, and more. */
  readonly profile: 'standard' | 'regulated' | 'fips';
  readonly installation: InstallationConfig | undefined;
  /** The `unsafe_*` keys that are switched on; shown at start and in the metrics. */
  readonly unsafe: readonly string[];
};

/** How many requests one connection may have under way at once. */
export type Http2Config = { readonly maxStreams: number };

/** Who vouches for our own files. Absolute paths. */
export type InstallationConfig = { readonly publicKeyFile: string; readonly signatureFile: string };

/** Where the revocation lists of the CAs in `issuerFile` come from. Absolute paths. */
export type CrlConfig = { readonly issuerFile: string } & (
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'url'; readonly url: string; readonly refreshMs: number }
);

export type FetchConfig = {
  /** Networks in CIDR that may be asked although they are not public. */
  readonly allow: readonly string[];
  /** PEM file of the roots for https; undefined for those of Node. */
  readonly caFile: string | undefined;
};

export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export type IdentityConfig = {
  readonly trustDomain: TrustDomain;
  /** This proxy's own SPIFFE ID. */
  readonly spiffeId: SpiffeId;
  /** Folder of the local CA, of the keys it issued and of compiled policies; 0700. */
  readonly stateFolder: string;
  readonly source: LocalCaConfig | IdentityFilesConfig | WorkloadApiConfig;
};

export type LocalCaConfig = {
  readonly kind: 'local-ca';
  readonly svidLifetimeMs: number;
  readonly keyAlgorithm: 'P-256' | 'P-384';
  /** File whose first line decrypts the keys at rest, or undefined when they are stored plain. */
  readonly passphraseFile: string | undefined;
};

/** Absolute paths. */
export type IdentityFilesConfig = {
  readonly kind: 'files';
  readonly certificate: string;
  readonly key: string;
  readonly bundle: string;
  /** Share of an SVID's life after which a missing successor is warned of. */
  readonly overdueShare: number;
};

export type WorkloadApiConfig = {
  readonly kind: 'workload-api';
  readonly endpoint: Endpoint;
  /** Chooses among SVIDs with the same SPIFFE ID. */
  readonly hint: string | undefined;
  /** Foreign trust domains whose bundles are used. */
  readonly federation: readonly TrustDomain[];
  /** Share of an SVID's life after which a missing successor is warned of. */
  readonly overdueShare: number;
};

/** When a workload that does not answer is no longer asked. */
export type BreakerConfig = { readonly failures: number; readonly openForMs: number };

export type StandbyConfig = { readonly address: Address; readonly tls: WorkloadTlsConfig | undefined };

/** Mutual TLS to the workload, which has to prove one of these IDs. */
export type WorkloadTlsConfig = { readonly spiffeIds: readonly SpiffeId[] };

export type WorkloadConfig = {
  readonly address: Address;
  /** Undefined where it is asked in clear text. */
  readonly tls: WorkloadTlsConfig | undefined;
  /** Undefined where it is asked whatever came of it before. */
  readonly breaker: BreakerConfig | undefined;
  /** Who is asked while the breaker is open; all else is as of the workload. */
  readonly standby: StandbyConfig | undefined;
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  /** Longest silence between two chunks of a response body. */
  readonly bodyTimeoutMs: number;
  readonly maxResponseBytes: number;
  readonly maxConnections: number;
  /** Without a limit where it is undefined. */
  readonly maxRequestsPerConnection: number | undefined;
  /** Accept response bodies that end with the connection, whose truncation nobody can see. */
  readonly unsafeCloseDelimited: boolean;
  /** Name of the header that carries the peer's SPIFFE ID, lower case. */
  readonly spiffeIdHeader: string;
  /** Name of the header that carries the Envoy-style certificate element, lower case. */
  readonly clientCertHeader: string;
};

export type PolicyConfig = {
  readonly source: PolicySource;
  /** Path of the decision rule, for example `portcullis/authz/decision`. */
  readonly entrypoint: string;
  /** Whether Rego that OPA's strict mode finds fault with is refused. */
  readonly strict: boolean;
  /** What runs it. */
  readonly engine: EngineSettings;
};

/** All paths are absolute. */
export type PolicySource =
  | { readonly kind: 'rego'; readonly paths: readonly string[]; readonly dataFile: string | undefined }
  | { readonly kind: 'bundle'; readonly path: string };

export type RouteConfig = {
  readonly name: string;
  readonly methods: readonly string[];
  /** `/orders/{id}` matches one segment each; a last segment `{rest...}` matches one or more. */
  readonly path: string;
  readonly quota: QuotaConfig | undefined;
  readonly body: RouteBody;
  /** JSON Schema file for the query parameters; without one the query is not restricted. */
  readonly querySchema: string | undefined;
  /** JSON Schema file for the path parameters. */
  readonly pathSchema: string | undefined;
  readonly response: ResponseValidation | undefined;
  readonly timeoutMs: number;
  /** Undefined where nobody looks at tokens of users. */
  readonly user: RouteUser | undefined;
};

/** Who may ask here, besides the peer. */
export type RouteUser = {
  /** Names of `issuers`. */
  readonly issuers: readonly string[];
  /** Whether a request without a token is served, as one of nobody; a bad token is refused all the same. */
  readonly optional: boolean;
  readonly singleUse: boolean;
  /** Whether policy and workload see the Authorization header. */
  readonly forwardToken: boolean;
};

/** GCRA: `requests` per `perMs`, with up to `burst` at once. */
export type QuotaConfig = { readonly requests: number; readonly perMs: number; readonly burst: number };

/** What a route does with a request body: refuse any, stream it unseen, or hold it against a schema by content type. */
export type RouteBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'stream'; readonly maxBytes: number }
  | { readonly kind: 'validate'; readonly maxBytes: number; readonly schemas: ReadonlyMap<string, string> };

/** Content type -> schema file, for 2xx response bodies. */
export type ResponseValidation = { readonly maxBytes: number; readonly schemas: ReadonlyMap<string, string> };

export type LimitsConfig = {
  readonly handshakeMs: number;
  /** From the first byte of a request to the end of its head. */
  readonly headMs: number;
  /** Longest silence inside a request body. */
  readonly bodyIdleMs: number;
  /** Longest a request body may take as a whole. */
  readonly bodyMs: number;
  readonly keepAliveMs: number;
  /** Longest a client may refuse to read its response. */
  readonly writeIdleMs: number;
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerIdentity: number;
  readonly maxConnectionAgeMs: number;
  readonly drainAfterRotationMs: number;
  readonly maxRequestsPerConnection: number;
  readonly maxInFlight: number;
  readonly maxInFlightPerIdentity: number;
  /** Bytes of bodies and responses held at once to be validated whole, over all data threads. */
  readonly maxHeldBytes: number;
  /** Identities the limiter can tell apart at once; memory is reserved for them. */
  readonly maxIdentities: number;
  /** Tokens of routes with `single_use` that can be remembered at once; memory is reserved for them. */
  readonly maxSingleUseTokens: number;
  /** A data thread whose event loop stops for longer is replaced. */
  readonly stallMs: number;
};

export type AuditConfig = {
  readonly folder: string;
  readonly mode: 'required' | 'best-effort';
  readonly segmentBytes: number;
};

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
