import type { TrustDomain } from '../certs/spiffe-id.ts';
import type { TrustBundle } from '../certs/trust-bundle.ts';
import type { PolicyEngine } from '../policy/engine.ts';
import type { ParameterValidator, SchemaValidator } from '../policy/schema.ts';
import type { CallerTokens } from './caller/caller-tokens.ts';
import type { Config, RouteConfig } from './config/config.ts';
import type { TemplateSegment } from './config/route-template.ts';
import type { OwnHeaders } from './normalise/headers.ts';
import type { Router } from './router.ts';
import type { WorkloadPool } from './upstream/pool.ts';
import type { Introspect } from './user/introspection.ts';
import type { TokenVerifier } from './user/token-verifier.ts';

/**
 * Everything a request is judged by, ready to judge: one frozen value with one digest. It is loaded, checked and swapped
 * as a whole; a request keeps the one it was accepted with, and its record names the digest.
 */
export type Snapshot = {
  readonly digest: string;
  readonly config: Config;
  readonly router: Router<Route>;
  readonly engine: PolicyEngine;
  readonly trust: TrustBundle;
  readonly ownHeaders: OwnHeaders;
  /** Verifies the tokens of end users. */
  readonly tokens: TokenVerifier;
  /** Asks whether they are still active, by the name of the issuer; of others it is not asked. */
  readonly introspection: ReadonlyMap<string, Introspect>;
  /** Verifies the JWT-SVIDs that load balancers present; undefined where there are none. */
  readonly callerTokens: CallerTokens | undefined;
  /** Where what this snapshot allowed is sent. Snapshots of one workload share it. */
  readonly pool: WorkloadPool;
  /** Why the policy may not decide any more, when its revision was marked bad; every decision is then undecided. */
  readonly policyBad: string | undefined;
};

/** A configured route with its validators. */
export type Route = {
  readonly config: RouteConfig;
  readonly template: readonly TemplateSegment[];
  /** Whose callers are served here; undefined where the policy alone decides. */
  readonly trustDomains: ReadonlySet<TrustDomain> | undefined;
  readonly query: ParameterValidator | undefined;
  readonly path: ParameterValidator | undefined;
  /** By content type; empty where the body is not validated. */
  readonly body: ReadonlyMap<string, SchemaValidator>;
  readonly response: ReadonlyMap<string, SchemaValidator>;
};
