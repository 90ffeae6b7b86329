import { BuiltinError } from '../builtin.ts';
import { bigintOf, bitsOf, booleanOf, contextTag, type Der, oidOf, readFirst, tags, wanted } from './der.ts';
import { type AlternativeNames, alternativeNamesOf, generalName } from './general-names.ts';
import { type NameConstraints, nameConstraintsOf } from './name-constraints.ts';

export type Extension = { readonly id: string; readonly isCritical: boolean; readonly value: Buffer };

/** What the extensions of a certificate say; undefined and [] where they do not. */
export type Extensions = {
  keyUsage?: number;
  basicConstraints?: { readonly isCa: boolean; readonly maxPathLength: number | undefined };
  names?: AlternativeNames;
  nameConstraints?: NameConstraints & { readonly isCritical: boolean };
  crlUrls: readonly string[];
  authorityKeyId?: Buffer;
  subjectKeyId?: Buffer;
  /** The policy constraints, as Go names them: absent ones are undefined. */
  requireExplicitPolicy?: number;
  inhibitPolicyMapping?: number;
  inhibitAnyPolicy?: number;
  extendedKeyUsages: readonly string[];
  policies?: readonly string[];
  policyMappings: readonly (readonly [issuer: string, subject: string])[];
  ocspServers: readonly string[];
  issuerUrls: readonly string[];
  /** Critical, and not read here: whoever verifies must refuse the certificate. */
  unhandledCritical: string[];
};

/** Reads one extension into the facts; false when it is not (wholly) understood. Throws BuiltinError. */
type Reader = (facts: Extensions, value: Der, extension: Extension) => boolean | undefined;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['2.5.29.14', readSubjectKeyId],
  ['2.5.29.15', readKeyUsage],
  ['2.5.29.17', readNames],
  ['2.5.29.19', readBasicConstraints],
  ['2.5.29.30', readNameConstraints],
  ['2.5.29.31', readCrlUrls],
  ['2.5.29.32', readPolicies],
  ['2.5.29.33', readPolicyMappings],
  ['2.5.29.35', readAuthorityKeyId],
  ['2.5.29.36', readPolicyConstraints],
  ['2.5.29.37', readExtendedKeyUsages],
  ['2.5.29.54', readInhibitAnyPolicy],
  ['1.3.6.1.5.5.7.1.1', readAuthorityAccess],
]);

/** Of the SEQUENCE of extensions. Throws BuiltinError, also for two of one kind (RFC 5280 section 4.2). */
export function readExtensions(extensions: Der): readonly Extension[] {
  const list = wanted(extensions, tags.sequence, 'extensions').children.map((extension) => {
    const [id, ...rest] = wanted(extension, tags.sequence, 'extension').children;
    const isCritical = rest[0]?.tag === tags.boolean ? booleanOf(rest.shift(), 'extension') : false;
    return {
      id: oidOf(id, 'extension'),
      isCritical,
      value: wanted(rest[0], tags.octetString, 'extension').content,
    };
  });
  if (new Set(list.map(({ id }) => id)).size !== list.length) throw new BuiltinError('duplicate extension');
  return list;
}

/** Throws BuiltinError for an extension that is known and malformed. */
export function factsOf(extensions: readonly Extension[]): Extensions {
  const facts: Extensions = {
    crlUrls: [],
    extendedKeyUsages: [],
    policyMappings: [],
    ocspServers: [],
    issuerUrls: [],
    unhandledCritical: [],
  };
  for (const extension of extensions) {
    const read = readers.get(extension.id);
    const isHandled = read !== undefined && read(facts, readFirst(extension.value), extension) !== false;
    if (extension.isCritical && !isHandled) facts.unhandledCritical.push(extension.id);
  }
  return facts;
}

function readSubjectKeyId(facts: Extensions, value: Der, { isCritical }: Extension): undefined {
  if (isCritical) throw new BuiltinError('subject key identifier incorrectly marked critical');
  facts.subjectKeyId = wanted(value, tags.octetString, 'subject key identifier').content;
}

function readAuthorityKeyId(facts: Extensions, value: Der, { isCritical }: Extension): undefined {
  if (isCritical) throw new BuiltinError('authority key identifier incorrectly marked critical');
  const [first] = wanted(value, tags.sequence, 'authority key identifier').children;
  if (first?.tag === contextTag(0, false)) facts.authorityKeyId = first.content;
}

/** Bit 0 is the first of the string, and the lowest of the number. */
function readKeyUsage(facts: Extensions, value: Der): undefined {
  const { bytes } = bitsOf(value, 'key usage');
  facts.keyUsage = Array.from(
    { length: 9 },
    (_, bit) => (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) << bit,
  ).reduce((usage, bit) => usage | bit, 0);
}

function readNames(facts: Extensions, value: Der): boolean {
  const names = alternativeNamesOf(value);
  facts.names = names;
  return [names.dns, names.emails, names.ips, names.uris].some(({ length }) => length > 0);
}

function readBasicConstraints(facts: Extensions, value: Der): undefined {
  const rest = [...wanted(value, tags.sequence, 'basic constraints').children];
  const isCa = rest[0]?.tag === tags.boolean ? booleanOf(rest.shift(), 'basic constraints') : false;
  const maxPathLength = rest[0]?.tag === tags.integer ? count(rest[0], 'basic constraints') : undefined;
  facts.basicConstraints = { isCa, maxPathLength };
}

function count(element: Der, what: string): number {
  const value = bigintOf(element, what);
  if (value < 0n || value > 2n ** 31n) throw new BuiltinError(`malformed ${what}`);
  return Number(value);
}

function readNameConstraints(facts: Extensions, value: Der, { isCritical }: Extension): boolean {
  const constraints = nameConstraintsOf(value);
  facts.nameConstraints = { ...constraints, isCritical };
  return !constraints.permitted.hasOthers && !constraints.excluded.hasOthers;
}

function readCrlUrls(facts: Extensions, value: Der): undefined {
  facts.crlUrls = wanted(value, tags.sequence, 'CRL distribution points').children.flatMap((point) => {
    const [name] = wanted(point, tags.sequence, 'CRL distribution points').children;
    if (name?.tag !== contextTag(0, true)) return [];
    const full = wanted(name.children[0], contextTag(0, true), 'CRL distribution points').children;
    const other = full.findIndex(({ tag }) => tag !== generalName.uri);
    return full.slice(0, other === -1 ? full.length : other).map(({ content }) => content.toString('utf8'));
  });
}

function readPolicies(facts: Extensions, value: Der): undefined {
  const policies = wanted(value, tags.sequence, 'certificate policies').children.map((policy) =>
    oidOf(wanted(policy, tags.sequence, 'certificate policies').children[0], 'certificate policies'),
  );
  if (new Set(policies).size !== policies.length) throw new BuiltinError('malformed certificate policies');
  facts.policies = policies;
}

function readPolicyMappings(facts: Extensions, value: Der): undefined {
  facts.policyMappings = wanted(value, tags.sequence, 'policy mappings').children.map((mapping) => {
    const [issuer, subject] = wanted(mapping, tags.sequence, 'policy mappings').children;
    return [oidOf(issuer, 'policy mappings'), oidOf(subject, 'policy mappings')] as const;
  });
}

function readPolicyConstraints(facts: Extensions, value: Der): undefined {
  for (const { tag, content } of wanted(value, tags.sequence, 'policy constraints').children) {
    const skip = count(
      readFirst(Buffer.concat([Buffer.of(tags.integer, content.length), content])),
      'policy constraints',
    );
    if (tag === contextTag(0, false)) facts.requireExplicitPolicy = skip;
    if (tag === contextTag(1, false)) facts.inhibitPolicyMapping = skip;
  }
}

function readInhibitAnyPolicy(facts: Extensions, value: Der): undefined {
  facts.inhibitAnyPolicy = count(value, 'inhibit any policy');
}

function readExtendedKeyUsages(facts: Extensions, value: Der): undefined {
  const usages = wanted(value, tags.sequence, 'extended key usages').children;
  facts.extendedKeyUsages = usages.map((usage) => oidOf(usage, 'extended key usages'));
}

function readAuthorityAccess(facts: Extensions, value: Der, { isCritical }: Extension): undefined {
  if (isCritical) throw new BuiltinError('authority info access incorrectly marked critical');
  const urls = wanted(value, tags.sequence, 'authority info access').children.map((access) => {
    const [method, location] = wanted(access, tags.sequence, 'authority info access').children;
    const url = location?.tag === generalName.uri ? location.content.toString('utf8') : undefined;
    return { method: oidOf(method, 'authority info access'), url };
  });
  const urlsBy = (wantedMethod: string) =>
    urls.flatMap(({ method, url }) => (method === wantedMethod && url !== undefined ? [url] : []));
  facts.ocspServers = urlsBy('1.3.6.1.5.5.7.48.1');
  facts.issuerUrls = urlsBy('1.3.6.1.5.5.7.48.2');
}
