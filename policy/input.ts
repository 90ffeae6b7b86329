import type { BodyFacts, Endpoint, HttpProtocol, InputFacts, UserFacts } from './input-facts.ts';
import { type EnvironmentTime, readTime, repeatedTime } from './input-time.ts';
import { type PeerInput, peerInput } from './input-peer.ts';
import { type InputReads, readsAll } from './input-reads.ts';
import { rfc3339 } from './rfc3339.ts';

type Names = { readonly [name: string]: string };

/**
 * The document a policy sees as `input`: what the OPA-Envoy plugin gives, so that Rego written for it runs unchanged,
 * and `portcullis` with what only this proxy knows. Described for policy authors in input.schema.json.
 */
export type PolicyInput = {
  readonly attributes: {
    readonly request: {
      readonly time: string;
      readonly http: {
        readonly id: string;
        readonly method: string;
        readonly path: string;
        readonly host: string;
        readonly scheme: 'https';
        readonly protocol: HttpProtocol;
        /** -1 when it is not known before the body has been read. */
        readonly size: number;
        readonly headers: Names;
        readonly body?: string;
      };
    };
    readonly source: AttributesPeer;
    readonly destination: AttributesPeer;
    readonly metadataContext: { readonly [namespace: string]: never };
    readonly tlsSession?: { readonly sni: string };
  };
  readonly parsed_path: readonly string[];
  readonly parsed_query: { readonly [name: string]: readonly string[] };
  readonly parsed_body?: unknown;
  readonly truncated_body: false;
  readonly source_principal: string;
  readonly version: { readonly encoding: 'protojson'; readonly ext_authz: 'v3' };
  readonly portcullis: PortcullisInput;
};

type AttributesPeer = {
  readonly address: { readonly socketAddress: { readonly address: string; readonly portValue: number } };
  readonly principal: string;
};

export type PortcullisInput = {
  readonly v: 1;
  readonly peer: PeerInput;
  readonly route: { readonly name: string; readonly template: string; readonly parameters: Names };
  readonly user?: {
    readonly issuer: string;
    readonly realm: string;
    readonly subject: string;
    readonly certificate_bound: boolean;
    readonly key_bound: boolean;
    readonly claims: { readonly [name: string]: unknown };
  };
  readonly body: {
    readonly kind: BodyFacts['kind'];
    readonly bytes: number | null;
    readonly content_type: string | null;
  };
  readonly snapshot: string;
  readonly time: EnvironmentTime;
  readonly connection: {
    readonly id: string;
    readonly tls_version: string;
    readonly cipher: string;
    readonly opened: string;
    readonly request_number: number;
  };
};

/**
 * Pure and total: the same facts give the same document, byte for byte when serialised.
 * @param reads a part that the policy cannot read stays empty: to build these parts takes as long as to read the result
 */
export function buildInput(facts: InputFacts, reads: InputReads = readsAll): PolicyInput {
  const { request, peer, body } = facts;
  const input: PolicyInput = {
    attributes: attributesInput(facts, reads),
    parsed_path: facts.pathSegments.length === 0 ? [''] : facts.pathSegments,
    parsed_query: groupQuery(request.query),
    truncated_body: false,
    source_principal: peer.spiffeId,
    version,
    portcullis: reads.portcullis ? portcullisInput(facts) : unread,
  };
  // The plugin says null where there is no body. A body that nobody has read is not that, so nothing is said of it.
  return body.kind === 'streamed' ? input : { ...input, parsed_body: body.kind === 'none' ? null : body.value };
}

const version = Object.freeze({ encoding: 'protojson', ext_authz: 'v3' } as const);

/** Of no type, as nobody looks. */
const unread = Object.freeze({}) as never;

function attributesInput(facts: InputFacts, reads: InputReads): PolicyInput['attributes'] {
  const { request, peer, body, connection, source, destination } = facts;
  const attributes = {
    request: { time: rfc3339(request.timeMs), http: httpInput(request, body, reads) },
    source: attributesPeer(source, peer.spiffeId),
    destination: attributesPeer(destination, destination.principal),
    metadataContext: {},
  };
  const { serverName } = connection;
  return serverName === undefined ? attributes : { ...attributes, tlsSession: { sni: serverName } };
}

/** So much text is made sooner than the accessor that would wait until it is asked for. */
const smallBytes = 4096;

function httpInput(
  request: InputFacts['request'],
  body: BodyFacts,
  reads: InputReads,
): PolicyInput['attributes']['request']['http'] {
  const http = {
    id: request.id,
    method: request.method,
    path: request.target,
    host: request.host,
    scheme: 'https',
    protocol: request.protocol,
    size: body.kind === 'none' ? 0 : (body.bytes ?? -1),
    headers: reads.headers ? headersInput(request) : unread,
  } as const;
  if (body.kind !== 'validated' || !reads.body) return http;
  if (body.bytes <= smallBytes) return { ...http, body: body.text() };
  // Made when it is asked for, and once: hardly any policy reads the text, which is as large as the body, and one that does
  // may read it in a loop.
  let text: string | undefined;
  return Object.defineProperty(http, 'body', { get: () => (text ??= body.text()), enumerable: true });
}

function portcullisInput(facts: InputFacts): PortcullisInput {
  const { user, snapshotDigest } = facts;
  const time = readTime(facts.request.timeMs);
  const peer = peerInput(facts.peer);
  const route = routeInput(facts.route);
  const body = bodyInput(facts.body);
  const connection = connectionInput(facts.connection);
  // Missing where there is none, so that `not input.portcullis.user` says so: null would be true in Rego. Written out twice,
  // because a spread in the middle of a literal takes longer than all the rest of it.
  return user === undefined
    ? { v: 1, peer, route, body, snapshot: snapshotDigest, time, connection }
    : { v: 1, peer, route, user: userInput(user), body, snapshot: snapshotDigest, time, connection };
}

function routeInput({ name, template, parameters }: InputFacts['route']): PortcullisInput['route'] {
  return { name, template, parameters: named(parameters) };
}

function userInput({ issuer, realm, subject, certificateBound, keyBound, claims }: UserFacts) {
  return { issuer, realm, subject, certificate_bound: certificateBound, key_bound: keyBound, claims };
}

function bodyInput(body: BodyFacts): PortcullisInput['body'] {
  if (body.kind === 'none') return { kind: body.kind, bytes: 0, content_type: null };
  return { kind: body.kind, bytes: body.bytes ?? null, content_type: body.contentType ?? null };
}

function connectionInput(connection: InputFacts['connection']): PortcullisInput['connection'] {
  return {
    id: connection.id,
    tls_version: connection.tlsVersion,
    cipher: connection.cipher,
    opened: repeatedTime(connection.openedMs),
    request_number: connection.requestNumber,
  };
}

function attributesPeer({ ip, port }: Endpoint, principal: string): AttributesPeer {
  return { address: { socketAddress: { address: ip, portValue: port } }, principal };
}

/**
 * Lines of one name are joined with a comma, as RFC 9110 section 5.3 lets any recipient do. Envoy turns HTTP/1.1 into the
 * terms of HTTP/2, and so policies find the request line here too.
 */
function headersInput({ host, method, target, headers }: InputFacts['request']): Names {
  const joined = emptyObject<string>();
  joined[':authority'] = host;
  joined[':method'] = method;
  joined[':path'] = target;
  joined[':scheme'] = 'https';
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    const value = headers[index + 1] as string;
    // What Envoy tells the plugin about the body is not for a client to say.
    if (name === 'x-envoy-auth-partial-body') continue;
    const earlier = joined[name];
    joined[name] = earlier === undefined ? value : `${earlier},${value}`;
  }
  return joined;
}

function groupQuery(pairs: InputFacts['request']['query']): { readonly [name: string]: readonly string[] } {
  if (pairs.length === 0) return noQuery;
  const grouped = emptyObject<string[]>();
  for (const [name, value] of pairs) (grouped[name] ??= []).push(value);
  return grouped;
}

const noQuery = Object.freeze(emptyObject<string[]>());

function named(entries: ReadonlyMap<string, string>): Names {
  const object = emptyObject<string>();
  for (const [name, value] of entries) object[name] = value;
  return object;
}

/**
 * An object without a prototype, whose members a client may name freely: on a plain object, a header called
 * `__proto__` would set the prototype instead of a member (CVE-2026-21710).
 */
function emptyObject<V>(): { [name: string]: V } {
  return Object.create(null) as { [name: string]: V };
}
