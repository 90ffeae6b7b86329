import type { TrustBundle } from '../../../certs/trust-bundle.ts';
import type { Config } from '../../../proxy/config/config.ts';
import { parseTemplate } from '../../../proxy/config/route-template.ts';
import { ownHeaders } from '../../../proxy/normalise/headers.ts';
import { createRouter } from '../../../proxy/router.ts';
import type { Route, Snapshot } from '../../../proxy/snapshot.ts';
import { openPool } from '../../../proxy/upstream/pool.ts';
import { plainLinks } from '../../../proxy/upstream/link.ts';
import { openTokenVerifier } from '../../../proxy/user/token-verifier.ts';

/** What the filters of the data path read of a snapshot, as `hydrate` makes it. Of a policy there is none, and asking it is a bug. */
export function dataPathSnapshot(config: Config, trust: TrustBundle): Snapshot {
  const none = new Map<string, never>();
  const routes = config.routes.map((route): Route => {
    const template = parseTemplate(route.path);
    return Object.freeze({
      config: route,
      template,
      trustDomains: undefined,
      query: undefined,
      path: undefined,
      body: none,
      response: none,
    });
  });
  const { spiffeIdHeader, clientCertHeader } = config.workload;
  return Object.freeze({
    digest: '',
    config,
    policyBad: undefined,
    router: createRouter(routes.map((route) => ({ methods: route.config.methods, template: route.template, route }))),
    engine: {
      revision: '',
      decide: () => {
        throw new Error('the data path asks no policy');
      },
    },
    tokens: openTokenVerifier([]),
    introspection: new Map(),
    callerTokens: undefined,
    trust,
    ownHeaders: ownHeaders([spiffeIdHeader, clientCertHeader]),
    pool: openPool(config.workload, plainLinks(config.workload)),
  });
}
