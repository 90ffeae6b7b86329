import type { PeerSvid } from '../certs/peer.ts';
import { pathOf } from '../certs/spiffe-id.ts';
import type { BodyFacts, HttpProtocol, InputFacts, PeerFacts, UserFacts } from '../policy/input-facts.ts';
import { type Caller, isPresented } from './caller/caller.ts';
import type { Accepted } from './exchange.ts';
import type { Identified } from './filters/identity.ts';
import type { Normalised } from './filters/normalise.ts';
import type { Authenticated, User } from './filters/user.ts';
import type { ExchangeBody, Validated } from './filters/validate.ts';
import type { HeaderList } from './header-list.ts';
import { identityHeaders } from './upstream/identity-headers.ts';
import { type InputReads, readsAll } from '../policy/input-reads.ts';
import { oncePer } from '../policy/once-per.ts';

/** The facts that policy judges by. */
export type Judged = Accepted & Identified & Normalised & Authenticated & Validated;

/** The same for every request of a connection. */
const certificateFacts = oncePer((peer: PeerSvid) => ({ ...peer, path: pathOf(peer.spiffeId) }));

function callerFacts(caller: Caller): PeerFacts {
  if (!isPresented(caller)) return certificateFacts(caller);
  const { spiffeId, trustDomain, notAfterMs, via } = caller;
  return { spiffeId, trustDomain, path: pathOf(spiffeId), notAfterMs, via: certificateFacts(via) };
}

/** The facts of an exchange in the terms of the policy input; nothing is parsed again here. */
export function inputFacts(facts: Judged, reads: Pick<InputReads, 'headers'> = readsAll): InputFacts {
  const { request, caller, connection, snapshot } = facts;
  return {
    request: {
      id: facts.id,
      timeMs: facts.receivedMs,
      method: request.method,
      target: request.target,
      path: request.path,
      query: request.query,
      host: request.authority,
      protocol: protocolOf(connection.tls.alpn),
      headers: reads.headers ? sentHeaders(facts) : none,
    },
    pathSegments: request.decodedSegments,
    peer: callerFacts(caller),
    source: connection.remote,
    destination: { ip: connection.local.ip, port: connection.local.port, principal: snapshot.config.identity.spiffeId },
    route: { name: facts.route.config.name, template: facts.route.config.path, parameters: facts.parameters },
    body: bodyFacts(facts.body),
    user: userFacts(facts.user),
    snapshotDigest: snapshot.digest,
    connection: {
      id: connection.id,
      tlsVersion: connection.tls.version,
      cipher: connection.tls.cipher,
      openedMs: connection.openedMs,
      requestNumber: facts.number,
      serverName: connection.serverName,
    },
  };
}

/** A connection speaks one protocol from its handshake to its end. */
export function protocolOf(alpn: string | undefined): HttpProtocol {
  return alpn === 'h2' ? 'HTTP/2' : 'HTTP/1.1';
}

/** As `forward` will send them. */
function sentHeaders(facts: Judged): HeaderList {
  return [...facts.request.headers, ...framing(facts.body), ...identityHeaders(facts).headers];
}

const none: HeaderList = [];

function userFacts(user: User | undefined): UserFacts | undefined {
  if (user === undefined) return undefined;
  const { issuer, realm, claims } = user;
  const certificateBound = claims.certificateSha256 !== undefined;
  const keyBound = claims.keyThumbprint !== undefined;
  return { issuer, realm, subject: claims.subject, certificateBound, keyBound, claims: claims.all };
}

function bodyFacts(body: ExchangeBody): BodyFacts {
  switch (body.kind) {
    case 'none':
      return body;
    case 'streamed':
      return { kind: 'streamed', bytes: body.source.declaredBytes, contentType: body.contentType || undefined };
    case 'validated':
      return {
        kind: 'validated',
        bytes: body.bytes.length,
        contentType: body.contentType,
        value: body.value,
        text: () => body.bytes.toString('utf8'),
      };
  }
}

/** As `forward` will write it. */
function framing(body: ExchangeBody): HeaderList {
  const bytes =
    body.kind === 'validated' ? body.bytes.length : body.kind === 'streamed' ? body.source.declaredBytes : undefined;
  return bytes === undefined ? [] : ['content-length', String(bytes)];
}
