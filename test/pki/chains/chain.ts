import type { HandshakeRefusalReason } from '../../../certs/handshake-refusal.ts';
import { keysOf } from '../keys.ts';
import {
  authority,
  type Changes,
  type Issuer,
  type Keys,
  leafCertificate,
  subjectAltName,
  uri,
} from '../raw-certificate.ts';

/** One chain for one rule. It breaks nothing else: only the rule that it is named after can refuse it. */
export type ClientChain = {
  readonly rule: string;
  readonly clause: string;
  readonly verdict: Verdict;
  /** Where TLS itself is the first to refuse, or to repair, what `verdict` is about. */
  readonly overTls?: Verdict;
  readonly offer: (world: World) => Offer;
};

export type Verdict = HandshakeRefusalReason | 'served';

/** What a client presents, leaf first, and the key with which it proves that the leaf is its own. */
export type Offer = {
  readonly chain: readonly Buffer[];
  readonly keys: Keys;
  /** Trusted in the place of the root of the world; such a chain is not presented to the proxy, which has its own root. */
  readonly roots?: readonly Buffer[];
};

/** The authorities that are trusted, and one that is trusted for another domain. */
export type World = {
  readonly trustDomain: string;
  readonly id: string;
  readonly nowMs: number;
  readonly root: Issuer;
  /** Allows no CA below it. */
  readonly intermediate: Issuer;
  readonly foreignRoot: Issuer;
};

export const foreignDomain = 'other.example';

export function leafKeys(): Keys {
  return keysOf('P-256', 1);
}

/** A good leaf but for the changes, behind the intermediate of the world or behind another issuer. */
export function leaf(world: World, changes: Changes = {}, issuer = world.intermediate): Buffer {
  return leafCertificate(issuer, leafKeys(), world.id, world.nowMs, changes);
}

/** A CA under the root of the world, or under another issuer. */
export function issuing(world: World, name: string, changes: Changes = {}, issuer = world.root): Issuer {
  return authority(name, changes.keys ?? keysOf('P-256', 2), world.nowMs, issuer, changes);
}

type Row = Pick<ClientChain, 'rule' | 'clause' | 'verdict' | 'overTls'>;

/** A leaf that breaks the rule, behind the intermediate. */
export function badLeaf(row: Row, changes: Changes | ((world: World) => Changes)): ClientChain {
  return {
    ...row,
    offer: (world) => {
      const made = typeof changes === 'function' ? changes(world) : changes;
      return { chain: [leaf(world, made), world.intermediate.der], keys: made.keys ?? leafKeys() };
    },
  };
}

/** A good leaf behind an intermediate that breaks the rule. */
export function badIssuer(row: Row, changes: Changes | ((world: World) => Changes)): ClientChain {
  return {
    ...row,
    offer: (world) => {
      const issuer = issuing(world, row.rule, typeof changes === 'function' ? changes(world) : changes);
      return { chain: [leaf(world, {}, issuer), issuer.der], keys: leafKeys() };
    },
  };
}

/** OpenSSL cannot read it at all: TLS fails before there is a certificate to judge. */
export function unreadable(chain: ClientChain): ClientChain {
  return { ...chain, overTls: 'protocol' };
}

/** A leaf whose SAN has these names. */
export function named(row: Row, names: (world: World) => readonly Buffer[]): ClientChain {
  return badLeaf(row, (world) => ({ extensions: { subjectAltName: subjectAltName(names(world)) } }));
}

/** A leaf whose one URI is this text; each of its characters is one byte. */
export function identified(rule: string, clause: string, text: (trustDomain: string) => string): ClientChain {
  return named({ rule, clause, verdict: 'not-an-svid' }, ({ trustDomain }) => [uri(text(trustDomain))]);
}

/** Good leaf, any certificates behind it. */
export function behindLeaf(
  row: Row,
  make: (world: World) => { readonly issuer?: Issuer; readonly behind: readonly Buffer[]; readonly roots?: Buffer[] },
): ClientChain {
  return {
    ...row,
    offer: (world) => {
      const { issuer, behind, roots } = make(world);
      const chain = [leaf(world, {}, issuer), ...behind];
      return { chain, keys: leafKeys(), ...(roots === undefined ? {} : { roots }) };
    },
  };
}

export function makeWorld(trustDomain: string, nowMs: number): World {
  const root = authority(`${trustDomain} root`, keysOf('P-256', 3), nowMs);
  return worldUnder(trustDomain, nowMs, root);
}

/** Under a root that exists already, such as that of a running proxy. */
export function worldUnder(trustDomain: string, nowMs: number, root: Issuer): World {
  const world = { trustDomain, id: `spiffe://${trustDomain}/ns/t/sa/client`, nowMs, root };
  return {
    ...world,
    intermediate: authority('intermediate of the table', keysOf('P-256', 4), nowMs, root),
    foreignRoot: authority(`${foreignDomain} root`, keysOf('P-256', 5), nowMs),
  };
}
