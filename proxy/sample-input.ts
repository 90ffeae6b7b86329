import { pathOf, trustDomainOf } from '../certs/spiffe-id.ts';
import { buildInput, type PolicyInput } from '../policy/input.ts';
import type { UserFacts } from '../policy/input-facts.ts';
import type { Config, RouteConfig } from './config/config.ts';
import type { IssuerConfig } from './config/token-config.ts';

/** What compiling lazily leaves for the first decision is done with a few routes as well as with all. */
const maxRoutes = 16;

/**
 * Inputs of the shape that requests will have, from nobody who exists: what is compiled with the first evaluation is
 * compiled with these, and a policy that never ends shows it before it meets a request.
 */
export function sampleInputs(config: Config): readonly PolicyInput[] {
  return config.routes.slice(0, maxRoutes).map((route) => sampleInput(config, route));
}

function sampleInput({ identity, listen, issuers }: Config, { name, methods, path, user }: RouteConfig): PolicyInput {
  const { spiffeId } = identity;
  const ip = '192.0.2.1';
  return buildInput({
    request: {
      id: '00000000-0000-4000-8000-000000000000',
      timeMs: 0,
      method: methods[0] ?? 'GET',
      target: '/',
      path: '/',
      query: [],
      host: 'sample.invalid',
      protocol: 'HTTP/1.1',
      headers: ['accept', '*/*'],
    },
    pathSegments: [],
    peer: {
      spiffeId,
      trustDomain: trustDomainOf(spiffeId),
      path: pathOf(spiffeId),
      serial: '00',
      fingerprintSha256: '0'.repeat(64),
      issuer: '',
      notAfterMs: 0,
    },
    source: { ip, port: 0 },
    destination: { ip, port: listen.port, principal: spiffeId },
    route: { name, template: path, parameters: new Map() },
    user: sampleUser(issuers.find((issuer) => user?.issuers.includes(issuer.name))),
    body: { kind: 'none' },
    snapshotDigest: '',
    connection: {
      id: '00000000-0000-4000-8000-000000000000',
      tlsVersion: 'TLSv1.3',
      cipher: '',
      openedMs: 0,
      requestNumber: 1,
      serverName: undefined,
    },
  });
}

function sampleUser(issuer: IssuerConfig | undefined): UserFacts | undefined {
  if (issuer === undefined) return undefined;
  const { name, realm } = issuer;
  return { issuer: name, realm, subject: 'nobody', certificateBound: false, keyBound: false, claims: {} };
}
