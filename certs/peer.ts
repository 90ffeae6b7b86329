import { algorithmsProblem } from './approved.ts';
import type { Certificate } from './certificate.ts';
import { listedBy } from './denylist.ts';
import {
  type HandshakeRefusal,
  type HandshakeRefusalReason,
  handshakeRefusal,
  isHandshakeRefusal,
} from './handshake-refusal.ts';
import {
  findPaths,
  foreignIssuer,
  issuersProblem,
  type Path,
  revocationProblem,
  signatureChecks,
  validityProblem,
} from './path.ts';
import { type Chain, readChain } from './presented-chain.ts';
import { type SpiffeId, type TrustDomain, trustDomainOf } from './spiffe-id.ts';
import { type Broken, isBroken, judgeLeaf } from './svid.ts';
import type { TrustBundle } from './trust-bundle.ts';

/** A peer whose certificate was judged good; only `judgePeer` makes one, once per connection. */
export type PeerSvid = {
  readonly spiffeId: SpiffeId;
  readonly trustDomain: TrustDomain;
  readonly serial: string;
  readonly fingerprintSha256: string;
  readonly subject: string;
  readonly issuer: string;
  readonly notBeforeMs: number;
  /** The earliest end in the whole path: the identity is worth nothing after it. */
  readonly notAfterMs: number;
  readonly signatureAlgorithm: string;
  readonly keyAlgorithm: string;
  readonly dnsNames: readonly string[];
};

/**
 * Judges a peer by its certificates. `transportVerdict` is OpenSSL's own, `socket.authorizationError`: the peer is
 * accepted only when both agree, because each has been wrong alone (THREATS.md 1.5). The reason is ours where we have
 * one, since OpenSSL knows nothing of trust domains and SVIDs.
 */
export function judgePeer(
  chainDer: readonly Uint8Array[],
  transportVerdict: string | null,
  trust: TrustBundle,
  nowMs: number,
): PeerSvid | HandshakeRefusal {
  const chain = readChain(chainDer);
  if (isHandshakeRefusal(chain)) return chain;
  const judged = judgeChain(chain, trust, nowMs);
  if (isBroken(judged)) return handshakeRefusal(judged.reason, judged.detail, chain[0]);
  if (transportVerdict !== null) {
    return handshakeRefusal(transportReason(transportVerdict), `refused by OpenSSL: ${transportVerdict}`, chain[0]);
  }
  const peer = peerSvid(judged);
  memories.set(peer, {
    ...judged,
    chain,
    revision: trust.revision,
    verdict: undefined,
    until: until(judged.path, trust, nowMs),
  });
  return peer;
}

/** A chain with nothing against it, and the path that was found in it. */
type Proven = { readonly spiffeId: SpiffeId; readonly trustDomain: TrustDomain; readonly path: Path };

function judgeChain([leaf, ...others]: Chain, trust: TrustBundle, nowMs: number): Proven | Broken {
  const spiffeId = judgeLeaf(leaf);
  const isSigned = signatureChecks();
  // A stranger's certificate is called untrusted, whatever else is wrong with it.
  const isStranger = () => findPaths(leaf, others, allRoots(trust), isSigned).next().done === true;
  if (isBroken(spiffeId)) {
    return spiffeId.reason !== 'malformed-certificate' && isStranger() ? untrusted(leaf, others) : spiffeId;
  }
  const trustDomain = trustDomainOf(spiffeId);
  const domain = trust.domains.get(trustDomain);
  let first: Broken | undefined;
  for (const path of domain === undefined ? [] : findPaths(leaf, others, domain.roots, isSigned)) {
    const problem = pathProblem(path, spiffeId, trust, nowMs);
    if (problem === undefined) return { spiffeId, trustDomain, path };
    first ??= problem;
  }
  if (first !== undefined) return first;
  if (isStranger()) return untrusted(leaf, others);
  return { reason: 'wrong-trust-domain', detail: `${spiffeId} does not end in a root of its own trust domain` };
}

function pathProblem(path: Path, spiffeId: SpiffeId, trust: TrustBundle, nowMs: number): Broken | undefined {
  const problem = issuersProblem(path) ?? algorithmsProblem(path, trust.algorithms);
  return problem ?? foreignIssuer(path, trustDomainOf(spiffeId)) ?? standing(path, spiffeId, trust, nowMs);
}

/** What can change while everything stays signed as it was: time, revocation and the denylist. */
function standing(path: Path, spiffeId: SpiffeId, trust: TrustBundle, nowMs: number): Broken | undefined {
  const crls = trust.domains.get(trustDomainOf(spiffeId))?.crls ?? [];
  return (
    validityProblem(path, nowMs) ??
    revocationProblem(path, { crls, awaited: trust.awaitedLists }, nowMs) ??
    listedBy(trust.denylist, spiffeId, path)
  );
}

function allRoots(trust: TrustBundle): readonly Certificate[] {
  return [...trust.domains.values()].flatMap(({ roots }) => roots);
}

function untrusted(leaf: Certificate, others: readonly Certificate[]): Broken {
  // The usual slip of a client: it shows its certificate alone, as `openssl s_client` does without -cert_chain.
  const alone = others.length === 0 ? '; no intermediate was presented' : '';
  return { reason: 'untrusted', detail: `no path from issuer ${leaf.issuer} to a root of the trust bundle${alone}` };
}

function peerSvid({ spiffeId, trustDomain, path }: Proven): PeerSvid {
  const [leaf] = path;
  return Object.freeze({
    spiffeId,
    trustDomain,
    serial: leaf.serial,
    fingerprintSha256: leaf.fingerprintSha256,
    subject: leaf.subject,
    issuer: leaf.issuer,
    notBeforeMs: Math.max(...path.map(({ notBeforeMs }) => notBeforeMs)),
    notAfterMs: Math.min(...path.map(({ notAfterMs }) => notAfterMs)),
    signatureAlgorithm: leaf.signatureAlgorithm,
    keyAlgorithm: leaf.keyAlgorithm,
    dnsNames: Object.freeze(leaf.subjectAltNames.filter(({ type }) => type === 'dns').map(({ value }) => value)),
  });
}

/** Node's names of OpenSSL's verdicts; one that is not here says that the path could not be verified. */
const transportReasons: Partial<Record<string, HandshakeRefusalReason>> = {
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not-yet-valid',
  CERT_REVOKED: 'revoked',
  UNABLE_TO_GET_CRL: 'revocation-unknown',
  CRL_NOT_YET_VALID: 'revocation-unknown',
  CRL_HAS_EXPIRED: 'revocation-unknown',
  CRL_SIGNATURE_FAILURE: 'revocation-unknown',
  INVALID_PURPOSE: 'wrong-usage',
};

function transportReason(verdict: string): HandshakeRefusalReason {
  return transportReasons[verdict] ?? 'untrusted';
}

/** Why an identity that was good when its connection was opened is not any more. */
export type Ended = { readonly reason: 'expired' | 'revoked' | 'untrusted'; readonly detail: string };

/** `until`: how long the verdict holds under the same trust. */
type Memory = Omit<Proven, 'path'> & { path: Path; revision: string; verdict: Ended | undefined; until: number } & {
  readonly chain: Chain;
};

/** What is needed to judge a connection again, for as long as somebody holds its peer. */
const memories = new WeakMap<PeerSvid, Memory>();

/**
 * Asked before every request and on every sweep, so that no connection outlives its identity: compares the time, and
 * judges the chain again once when the trust bundle says something else than before, or when what it relied on has gone
 * out of date. Undefined when the peer is still good.
 */
export function stillValid(peer: PeerSvid, trust: TrustBundle, nowMs: number): Ended | undefined {
  if (nowMs > peer.notAfterMs) {
    const end = new Date(peer.notAfterMs).toISOString();
    return { reason: 'expired', detail: `the SVID, or an issuer of it, expired ${end} while the connection was open` };
  }
  const memory = memories.get(peer);
  if (memory === undefined) return { reason: 'untrusted', detail: 'nobody has judged this peer' };
  if (memory.revision !== trust.revision || nowMs > memory.until) {
    memory.verdict = judgeAgain(memory, trust, nowMs);
    memory.revision = trust.revision;
    memory.until = until(memory.path, trust, nowMs);
  }
  return memory.verdict;
}

/** The next moment at which a certificate of the path goes out of date, or a revocation list comes into force or goes out of it. */
function until(path: Path, trust: TrustBundle, nowMs: number): number {
  const lists = [...trust.domains.values()].flatMap(({ crls }) =>
    crls.flatMap(({ thisUpdateMs, nextUpdateMs }) => [thisUpdateMs, nextUpdateMs]),
  );
  const ends = [...path.map(({ notAfterMs }) => notAfterMs), ...lists];
  return Math.min(...ends.filter((endMs) => endMs >= nowMs));
}

/**
 * What was signed stays signed while the root of the path is trusted. Without this every change of the bundle would cost
 * two signature checks for each open connection, all in one turn: at ten thousand the thread would stand still for longer
 * than its watchdog allows.
 */
function judgeAgain(memory: Memory, trust: TrustBundle, nowMs: number): Ended | undefined {
  const { chain, spiffeId, trustDomain, path } = memory;
  const root = path.at(-1);
  const roots = trust.domains.get(trustDomain)?.roots ?? [];
  const rootStays = roots.some(({ fingerprintSha256 }) => fingerprintSha256 === root?.fingerprintSha256);
  const judged = rootStays ? standing(path, spiffeId, trust, nowMs) : judgeChain(chain, trust, nowMs);
  if (judged === undefined) return undefined;
  if (isBroken(judged)) return endedBy(judged);
  memory.path = judged.path;
  return undefined;
}

function endedBy({ reason, detail }: Broken): Ended {
  if (reason === 'expired') return { reason, detail };
  return { reason: reason === 'revoked' || reason === 'denylisted' ? 'revoked' : 'untrusted', detail };
}
