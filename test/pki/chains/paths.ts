import { oids } from '../../../certs/certificate.ts';
import { keysOf } from '../keys.ts';
import {
  authority,
  authorityKeyIdentifier,
  basicConstraints,
  extension,
  type Issuer,
  leafCertificate,
} from '../raw-certificate.ts';
import * as der from '../der.ts';
import {
  badIssuer,
  badLeaf,
  behindLeaf,
  type ClientChain,
  foreignDomain,
  issuing,
  leaf,
  leafKeys,
  type World,
} from './chain.ts';

const path = 'RFC 5280 6.1';
const order = 'RFC 8446 4.4.2';

const otherKeys = () => keysOf('P-256', 6);

function stranger(world: World, root = authority('stranger root', otherKeys(), world.nowMs)): Issuer {
  return authority('stranger', keysOf('P-256', 7), world.nowMs, root);
}

/** The name of the trusted root, and another key. */
const forged = (world: World) =>
  authority(`${world.trustDomain} root`, otherKeys(), world.nowMs, undefined, { subject: world.root.name });

/** Who signed whom, up to a root that is trusted. */
export const trustChains: readonly ClientChain[] = [
  behindLeaf({ rule: 'a CA nobody trusts', clause: path, verdict: 'untrusted' }, (world) => {
    const issuer = stranger(world);
    return { issuer, behind: [issuer.der] };
  }),
  behindLeaf({ rule: 'a CA nobody trusts, with its root', clause: path, verdict: 'untrusted' }, (world) => {
    const root = authority('stranger root', otherKeys(), world.nowMs);
    const issuer = stranger(world, root);
    return { issuer, behind: [issuer.der, root.der] };
  }),
  behindLeaf({ rule: 'a root of the same name with another key', clause: path, verdict: 'untrusted' }, (world) => {
    const issuer = stranger(world, forged(world));
    return { issuer, behind: [issuer.der, forged(world).der] };
  }),
  behindLeaf({ rule: 'a forged root and the trusted root behind it', clause: path, verdict: 'untrusted' }, (world) => {
    const issuer = stranger(world, forged(world));
    return { issuer, behind: [issuer.der, forged(world).der, world.root.der] };
  }),
  behindLeaf({ rule: 'an issuer of the same name with another key', clause: path, verdict: 'untrusted' }, (world) => {
    const issuer = { ...stranger(world), name: world.intermediate.name };
    return { issuer, behind: [world.intermediate.der] };
  }),
  badLeaf(
    { rule: 'a stranger that claims the key identifier of the issuer', clause: path, verdict: 'untrusted' },
    { signature: () => Buffer.from(leafKeys().scheme.sign(Buffer.from('stranger'), otherKeys().privateKey)) },
  ),
  {
    rule: 'a root of another trust domain',
    clause: 'X509-SVID 5.2',
    verdict: 'wrong-trust-domain',
    overTls: 'untrusted',
    offer: (world) => ({ chain: [leaf(world, {}, world.foreignRoot)], keys: leafKeys() }),
  },
  {
    rule: 'names of both trust domains mixed',
    clause: 'X509-SVID 5.2',
    verdict: 'wrong-trust-domain',
    overTls: 'untrusted',
    offer: (world) => {
      const issuer = authority(`${world.trustDomain} root`, otherKeys(), world.nowMs, world.foreignRoot);
      const own = leafCertificate(issuer, leafKeys(), world.id, world.nowMs);
      return { chain: [own, issuer.der, world.root.der], keys: leafKeys() };
    },
  },
  {
    rule: 'the other domain claimed under our root',
    clause: 'X509-SVID 5.2',
    verdict: 'wrong-trust-domain',
    offer: (world) => ({
      chain: [
        leafCertificate(world.intermediate, leafKeys(), `spiffe://${foreignDomain}/client`, world.nowMs),
        world.intermediate.der,
      ],
      keys: leafKeys(),
    }),
  },
  {
    rule: 'a leaf that signed itself',
    clause: path,
    verdict: 'untrusted',
    offer: (world) => {
      const self = { der: Buffer.alloc(0), name: der.name('workload'), keys: leafKeys() };
      return { chain: [leaf(world, {}, self)], keys: leafKeys() };
    },
  },
  {
    rule: 'a leaf that signed itself under the name of the root',
    clause: path,
    verdict: 'untrusted',
    offer: (world) => {
      const self = { der: Buffer.alloc(0), name: world.root.name, keys: leafKeys() };
      return { chain: [leaf(world, { subject: world.root.name }, self), world.root.der], keys: leafKeys() };
    },
  },
  behindLeaf({ rule: 'a leaf as issuer', clause: 'RFC 5280 6.1.4 (k)', verdict: 'untrusted' }, (world) => {
    const certificate = leaf(world, { keys: otherKeys() });
    const issuer = { der: certificate, name: der.name('workload'), keys: otherKeys() };
    return { issuer, behind: [certificate, world.intermediate.der] };
  }),
  {
    rule: 'an issuer as leaf, with its leaf behind it',
    clause: order,
    verdict: 'not-an-svid',
    offer: (world) => ({ chain: [world.intermediate.der, leaf(world)], keys: world.intermediate.keys }),
  },
  badLeaf(
    { rule: 'a broken signature', clause: 'RFC 5280 6.1.3 (a)', verdict: 'untrusted' },
    {
      signature: (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]),
    },
  ),
  badLeaf(
    { rule: 'an empty signature', clause: 'RFC 5280 6.1.3 (a)', verdict: 'untrusted' },
    {
      signature: () => Buffer.alloc(0),
    },
  ),
  badLeaf(
    { rule: 'a signature of r = 0 and s = 0, CVE-2022-21449', clause: 'RFC 5280 6.1.3 (a)', verdict: 'untrusted' },
    {
      signature: () => der.sequence(der.integer('00'), der.integer('00')),
    },
  ),
  badIssuer(
    { rule: 'an issuer with a broken signature', clause: 'RFC 5280 6.1.3 (a)', verdict: 'untrusted' },
    {
      signature: (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]),
    },
  ),
  badLeaf(
    { rule: 'the issuer named by nobody', clause: 'RFC 5280 6.1.3 (a)(4)', verdict: 'untrusted' },
    {
      issuerName: der.name('nobody'),
    },
  ),
  badLeaf(
    { rule: 'no issuer named', clause: 'RFC 5280 4.1.2.4', verdict: 'malformed-certificate' },
    { issuerName: der.name('') },
  ),
  badLeaf(
    { rule: 'the key identifier of another issuer', clause: 'RFC 5280 4.2.1.1', verdict: 'untrusted' },
    {
      extensions: { authorityKeyIdentifier: authorityKeyIdentifier(Buffer.alloc(20, 7)) },
    },
  ),
  badLeaf(
    { rule: 'no authority key identifier', clause: 'RFC 5280 4.2.1.1', verdict: 'served' },
    {
      extensions: { authorityKeyIdentifier: undefined, subjectKeyIdentifier: undefined },
    },
  ),
  behindLeaf({ rule: 'a leaf of the root itself', clause: path, verdict: 'served' }, ({ root }) => ({
    issuer: root,
    behind: [],
  })),
];

const lengths = 'RFC 5280 6.1.4 (l), (m)';
const limited = (pathLength: number) => ({ extensions: { basicConstraints: basicConstraints(true, pathLength) } });

/** `count` CAs below the root, the last one first. */
function ladder(world: World, count: number): readonly [Issuer, ...Issuer[]] {
  let cas: readonly [Issuer, ...Issuer[]] = [issuing(world, 'CA 1')];
  while (cas.length < count) {
    const name = `CA ${cas.length + 1}`;
    cas = [authority(name, keysOf('P-256', 10 + cas.length), world.nowMs, cas[0]), ...cas];
  }
  return cas;
}

const climbing = (rule: string, count: number, verdict: ClientChain['verdict']) =>
  behindLeaf({ rule, clause: path, verdict }, (world) => {
    const cas = ladder(world, count);
    return { issuer: cas[0], behind: cas.map((ca) => ca.der) };
  });

/** Path length, order and number of what is presented. */
export const orderChains: readonly ClientChain[] = [
  behindLeaf({ rule: 'an issuer beyond path length 0', clause: lengths, verdict: 'untrusted' }, (world) => {
    const upper = issuing(world, 'limited to 0', limited(0));
    const issuer = authority('one too deep', otherKeys(), world.nowMs, upper);
    return { issuer, behind: [issuer.der, upper.der] };
  }),
  behindLeaf({ rule: 'two issuers beyond path length 1', clause: lengths, verdict: 'untrusted' }, (world) => {
    const upper = issuing(world, 'limited to 1', limited(1));
    const middle = authority('middle', otherKeys(), world.nowMs, upper);
    const issuer = authority('one too deep', keysOf('P-256', 7), world.nowMs, middle);
    return { issuer, behind: [issuer.der, middle.der, upper.der] };
  }),
  behindLeaf({ rule: 'path length 0 widened by the issuer below', clause: lengths, verdict: 'untrusted' }, (world) => {
    const upper = issuing(world, 'limited to 0', limited(0));
    const issuer = authority('widening', otherKeys(), world.nowMs, upper, limited(9));
    return { issuer, behind: [issuer.der, upper.der] };
  }),
  behindLeaf(
    { rule: 'a root with path length 0 and an issuer below it', clause: lengths, verdict: 'untrusted' },
    (world) => {
      const root = authority('limited root', otherKeys(), world.nowMs, undefined, limited(0));
      const issuer = issuing(world, 'below the limited root', {}, root);
      return { issuer, behind: [issuer.der], roots: [root.der] };
    },
  ),
  behindLeaf({ rule: 'an issuer that is not presented', clause: path, verdict: 'untrusted' }, () => ({ behind: [] })),
  behindLeaf({ rule: 'a middle issuer that is not presented', clause: path, verdict: 'untrusted' }, (world) => {
    const [issuer] = ladder(world, 2);
    return { issuer, behind: [issuer.der] };
  }),
  behindLeaf({ rule: 'issuers that signed each other', clause: path, verdict: 'untrusted' }, (world) => {
    const [one, two] = [keysOf('P-256', 6), keysOf('P-256', 7)];
    const first = authority('loop 1', one, world.nowMs, { der: der.hex(''), name: der.name('loop 2'), keys: two });
    const second = authority('loop 2', two, world.nowMs, first);
    return { issuer: first, behind: [first.der, second.der] };
  }),
  behindLeaf({ rule: 'many issuers that signed each other', clause: path, verdict: 'untrusted' }, (world) => {
    const name = der.name('crossed');
    const issuer = { der: der.hex(''), name, keys: otherKeys() };
    const crossed = Array.from({ length: 9 }, () => authority('crossed', otherKeys(), world.nowMs, issuer).der);
    return { issuer, behind: crossed };
  }),
  behindLeaf({ rule: '11 certificates', clause: path, verdict: 'malformed-certificate' }, ({ intermediate }) => ({
    behind: Array.from({ length: 10 }, () => intermediate.der),
  })),
  behindLeaf(
    {
      rule: 'something that is no certificate behind the leaf',
      clause: order,
      verdict: 'malformed-certificate',
      overTls: 'protocol',
    },
    ({ intermediate }) => ({
      behind: [intermediate.der, Buffer.from('rubbish')],
    }),
  ),
  behindLeaf(
    {
      rule: 'an empty certificate behind the leaf',
      clause: order,
      verdict: 'malformed-certificate',
      overTls: 'protocol',
    },
    ({ intermediate }) => ({
      behind: [intermediate.der, Buffer.alloc(0)],
    }),
  ),
  climbing('two intermediates', 2, 'served'),
  climbing('eight intermediates', 8, 'served'),
  behindLeaf({ rule: 'two intermediates in the wrong order', clause: order, verdict: 'served' }, (world) => {
    const [issuer, upper] = ladder(world, 2);
    return { issuer, behind: [upper?.der ?? der.hex(''), issuer.der] };
  }),
  behindLeaf({ rule: 'the root as well', clause: order, verdict: 'served' }, ({ intermediate, root }) => ({
    behind: [intermediate.der, root.der],
  })),
  behindLeaf(
    { rule: 'the root before the intermediate', clause: order, verdict: 'served' },
    ({ intermediate, root }) => ({
      behind: [root.der, intermediate.der],
    }),
  ),
  behindLeaf({ rule: 'an issuer twice', clause: order, verdict: 'served' }, ({ intermediate }) => ({
    behind: [intermediate.der, intermediate.der],
  })),
  behindLeaf({ rule: 'a stranger among the issuers', clause: order, verdict: 'served' }, (world) => ({
    behind: [stranger(world).der, world.intermediate.der],
  })),
  behindLeaf({ rule: 'ten certificates', clause: path, verdict: 'served' }, (world) => ({
    behind: [world.intermediate.der, ...Array.from({ length: 8 }, () => stranger(world).der)],
  })),
  behindLeaf(
    { rule: 'an issuer that a stranger has signed too', clause: path, verdict: 'served', overTls: 'untrusted' },
    (world) => {
      const crossed = authority('crossed', world.intermediate.keys, world.nowMs, stranger(world), {
        subject: world.intermediate.name,
      });
      return { behind: [crossed.der, world.intermediate.der] };
    },
  ),
  behindLeaf(
    { rule: 'an expired issuer and the renewed one with the same key', clause: path, verdict: 'served' },
    (world) => {
      const { name: subject, keys } = world.intermediate;
      const old = issuing(world, 'old', { subject, keys, notAfter: der.time(world.nowMs - 60_000) });
      return { behind: [old.der, world.intermediate.der] };
    },
  ),
  behindLeaf(
    { rule: 'an expired root and the renewed one with the same key', clause: path, verdict: 'served' },
    (world) => {
      const { name: subject, keys } = world.root;
      const old = authority('old', keys, world.nowMs, undefined, { subject, notAfter: der.time(world.nowMs - 60_000) });
      return { behind: [world.intermediate.der], roots: [old.der, world.root.der] };
    },
  ),
];

const permitted = (base: Buffer) => der.explicit(0, der.sequence(base));
const excluded = (base: Buffer) => der.explicit(1, der.sequence(base));

const named = (rule: string, critical: boolean, ...subtrees: readonly ((trustDomain: string) => Buffer)[]) =>
  badIssuer({ rule, clause: 'RFC 5280 4.2.1.10', verdict: 'untrusted' }, ({ trustDomain }) => ({
    extensions: {
      nameConstraints: extension(
        oids.nameConstraints,
        der.sequence(...subtrees.map((subtree) => subtree(trustDomain))),
        critical,
      ),
    },
  }));

/** All are refused, also those that the leaf would satisfy: no CA with name constraints is used (formProblem in certs/svid.ts). */
export const nameConstraintChains: readonly ClientChain[] = [
  named('URI permitted: another domain', true, () => permitted(der.tagged(6, 'another.example'))),
  named('URI permitted: our domain', true, (td) => permitted(der.tagged(6, td))),
  named('URI permitted: our domain, with a dot, CVE-2024-45341', true, (td) => permitted(der.tagged(6, `.${td}`))),
  named('URI permitted, not critical', false, () => permitted(der.tagged(6, 'another.example'))),
  named('URI excluded: our domain', true, (td) => excluded(der.tagged(6, td))),
  named('URI excluded: another domain', true, () => excluded(der.tagged(6, 'another.example'))),
  named(
    'URI permitted and excluded',
    true,
    (td) => permitted(der.tagged(6, td)),
    (td) => excluded(der.tagged(6, td)),
  ),
  named('DNS permitted', true, () => permitted(der.tagged(2, 'another.example'))),
  named('DNS excluded', true, () => excluded(der.tagged(2, ''))),
  named('IP permitted', true, () => permitted(der.tlv(0x87, der.hex('0a000000ff000000')))),
  named('directory name permitted', true, () => permitted(der.explicit(4, der.name('another')))),
  named('no subtree at all', true),
  badLeaf(
    { rule: 'name constraints in a leaf', clause: 'RFC 5280 4.2.1.10', verdict: 'untrusted' },
    ({ trustDomain }) => ({
      extensions: {
        nameConstraints: extension(oids.nameConstraints, der.sequence(permitted(der.tagged(6, trustDomain))), true),
      },
    }),
  ),
  behindLeaf({ rule: 'name constraints in a root', clause: 'RFC 5280 4.2.1.10', verdict: 'untrusted' }, (world) => {
    const value = der.sequence(permitted(der.tagged(6, 'another.example')));
    const root = authority('constrained root', otherKeys(), world.nowMs, undefined, {
      extensions: { nameConstraints: extension(oids.nameConstraints, value, true) },
    });
    return { issuer: root, behind: [], roots: [root.der] };
  }),
];
