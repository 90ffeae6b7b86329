import { isDeepStrictEqual } from 'node:util';
import type { SpiffeId, TrustDomain } from '../../certs/spiffe-id.ts';
import type { BodyFacts, InputFacts } from '../../policy/input-facts.ts';
import { buildInput, type PolicyInput } from '../../policy/input.ts';

/**
 * The facts that an input was built from, so that building it can be timed, and so that an engine is given objects of the shape
 * that requests have. Undefined for a document that this proxy would never build.
 */
export function factsOf(input: unknown): InputFacts | undefined {
  try {
    const facts = readFacts(input as PolicyInput);
    return isDeepStrictEqual(plain(buildInput(facts)), plain(input)) ? facts : undefined;
  } catch {
    // A part is missing that every request has.
    return undefined;
  }
}

/** Objects of a request have no prototype, and those of a file have one. */
const plain = (value: unknown): unknown => structuredClone(value);

function readFacts(input: PolicyInput): InputFacts {
  const { attributes, portcullis, parsed_path } = input;
  const { http } = attributes.request;
  const { peer, connection, route } = portcullis;
  return {
    request: {
      id: http.id,
      timeMs: portcullis.time.unix_ms,
      method: http.method,
      target: http.path,
      path: http.path.split('?', 1)[0] ?? '',
      query: Object.entries(input.parsed_query).flatMap(([name, values]) => {
        return values.map((value) => [name, value] as const);
      }),
      host: http.host,
      protocol: http.protocol === 'HTTP/2' ? 'HTTP/2' : 'HTTP/1.1',
      headers: Object.entries(http.headers)
        .filter(([name]) => !name.startsWith(':'))
        .flat(),
    },
    pathSegments: parsed_path,
    peer: peerFacts(peer),
    source: endpoint(attributes.source),
    destination: { ...endpoint(attributes.destination), principal: attributes.destination.principal as SpiffeId },
    route: { name: route.name, template: route.template, parameters: new Map(Object.entries(route.parameters)) },
    body: bodyFacts(input),
    snapshotDigest: portcullis.snapshot,
    connection: {
      id: connection.id,
      tlsVersion: connection.tls_version,
      cipher: connection.cipher,
      openedMs: Date.parse(connection.opened),
      requestNumber: connection.request_number,
      serverName: attributes.tlsSession?.sni,
    },
  };
}

type PeerInput = PolicyInput['portcullis']['peer'];

function peerFacts(peer: PeerInput): InputFacts['peer'] {
  return peer.proved_by === 'jwt-svid' ? { ...idFacts(peer), via: certificateFacts(peer.via) } : certificateFacts(peer);
}

function certificateFacts(peer: Extract<PeerInput, { proved_by: 'x509-svid' }>) {
  const { serial, fingerprint_sha256: fingerprintSha256, issuer } = peer;
  return { ...idFacts(peer), serial, fingerprintSha256, issuer };
}

function idFacts(peer: PeerInput) {
  const [spiffeId, trustDomain] = [peer.spiffe_id as SpiffeId, peer.trust_domain as TrustDomain];
  return { spiffeId, trustDomain, path: peer.path, notAfterMs: Date.parse(peer.not_after) };
}

function endpoint({ address }: PolicyInput['attributes']['source']): InputFacts['source'] {
  return { ip: address.socketAddress.address, port: address.socketAddress.portValue };
}

function bodyFacts({ attributes, portcullis, parsed_body }: PolicyInput): BodyFacts {
  const { kind, bytes, content_type } = portcullis.body;
  if (kind === 'none') return { kind };
  if (kind === 'streamed') return { kind, bytes: bytes ?? undefined, contentType: content_type ?? undefined };
  const text = attributes.request.http.body ?? '';
  return { kind, bytes: bytes ?? 0, contentType: content_type ?? '', value: parsed_body, text: () => text };
}
