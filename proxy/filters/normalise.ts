import type { Filter } from '../chain.ts';
import type { RouteUser } from '../config/config.ts';
import { type Denial, deny } from '../denial.ts';
import type { TemplateSegment } from '../config/route-template.ts';
import type { Accepted } from '../exchange.ts';
import { type HeaderList, withoutField } from '../header-list.ts';
import { readAuthority } from '../normalise/authority.ts';
import { normaliseHeaders } from '../normalise/headers.ts';
import { readTarget, type Target } from '../normalise/target.ts';
import type { Route } from '../snapshot.ts';
import type { Identified } from './identity.ts';

export type NormalisedRequest = Target & {
  readonly method: string;
  readonly authority: string;
  /** Lower-case names; the list that is judged and the list that is sent. */
  readonly headers: HeaderList;
};

export type Normalised = {
  readonly request: NormalisedRequest;
  readonly route: Route;
  readonly parameters: ReadonlyMap<string, string>;
};

/** Makes the one target and header list that is judged and sent, and finds the route. What is ambiguous is refused. */
export const normalise: Filter<Accepted & Identified, Normalised> = {
  name: 'normalise',
  add: (facts, { request, route, parameters }) => {
    facts.request = request;
    facts.route = route;
    facts.parameters = parameters;
  },
  apply: ({ method, target: rawTarget, headers: rawHeaders, connection, snapshot, caller }) => {
    // Its target has a form of its own, and what follows it may be meant for a tunnel (CVE-2026-71324): the connection ends.
    if (method === 'CONNECT') return deny('upgrade-not-allowed', { detail: 'CONNECT' });
    const target = readTarget(rawTarget);
    if ('code' in target) return target;
    const normalised = normaliseHeaders(rawHeaders, snapshot.ownHeaders);
    if ('code' in normalised) return normalised;
    const authority = readAuthority(normalised.hosts, connection.serverName);
    if (typeof authority === 'object') return authority;
    const match = snapshot.router(method, target);
    if (match.kind === 'none') return deny('no-route');
    if (match.kind === 'other-methods') return methodNotAllowed(match.allowed);
    if (match.kind === 'other-spelling') return deny('ambiguous-target', { detail: otherSpelling });
    const { trustDomains, config } = match.route;
    // Before the policy, and whatever it says: what is not named for a foreign trust domain is none of its business.
    if (trustDomains !== undefined && !trustDomains.has(caller.trustDomain)) {
      return deny('caller-not-of-this-route', { detail: `${caller.trustDomain} on the route ${config.name}` });
    }
    const headers = sentHeaders(normalised.headers, config.user);
    // Named one by one: a spread in the middle of a literal is copied by the slow way.
    const { path, segments, decodedSegments, query } = target;
    const request = { target: rawTarget, path, segments, decodedSegments, query, method, authority, headers };
    return { request, route: match.route, parameters: readParameters(match.route.template, decodedSegments) };
  },
};

const otherSpelling = 'the path of a route, with a percent-encoding that the route does not have';

/** A token that was verified here is a credential that nobody behind needs: who has it, or its proof, could use it elsewhere. */
function sentHeaders(headers: HeaderList, user: RouteUser | undefined): HeaderList {
  if (user === undefined || user.forwardToken) return headers;
  return withoutField(withoutField(headers, 'authorization'), 'dpop');
}

function methodNotAllowed(allowed: readonly string[]): Denial {
  return deny('method-not-allowed', { headers: ['allow', allowed.join(', ')] });
}

/** What the placeholders of a template stand for in a path that it matches. */
export function readParameters(
  template: Route['template'],
  decodedSegments: Target['decodedSegments'],
): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (let index = 0; index < template.length; index += 1) {
    const segment = template[index] as TemplateSegment;
    if (segment.kind === 'parameter') parameters.set(segment.name, decodedSegments[index] ?? '');
    if (segment.kind === 'rest') parameters.set(segment.name, decodedSegments.slice(index).join('/'));
  }
  return parameters;
}
