import { X509Certificate } from 'node:crypto';
import { checkSteps } from '../crypto/key-cost.ts';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';
import type { Certificate } from './certificate.ts';
import { isServerNamed } from './host-name.ts';
import { anyUsage } from './key-usage.ts';
import { areNamesPermitted } from './permitted-names.ts';

export type VerifyOptions = {
  readonly timeMs: number;
  /** A name or an address that the leaf must have; '' for any. */
  readonly serverName: string;
  /** Object identifiers, of which one must be allowed by the whole chain. */
  readonly usages: readonly string[];
};

/** As many as Go makes: a pool in which all have one name and one key would else be tried in every order. */
const maxSignatureChecks = 100;

type Search = {
  readonly context: BuiltinContext;
  readonly root: Certificate;
  readonly intermediates: readonly Certificate[];
  readonly options: VerifyOptions;
  checks: number;
};

/**
 * The chain from the last certificate to the first, which is the one that is trusted, by way of those between; undefined
 * when there is none. RFC 5280 section 6 as Go's x509.Verify has it, but for two things that are refused here: a chain
 * that requires explicit policies, and e-mail addresses under constraints.
 */
export function verifiedChain(
  context: BuiltinContext,
  certificates: readonly Certificate[],
  options: VerifyOptions,
): readonly Certificate[] | undefined {
  const [root, leaf] = [certificates[0], certificates.at(-1)];
  if (root === undefined || leaf === undefined || certificates.length < 2) return undefined;
  const search: Search = { context, root, intermediates: certificates.slice(1, -1), options, checks: 0 };
  if (!isUsable(leaf, [], options)) return undefined;
  if (options.serverName !== '' && !isServerNamed(leaf.facts.names, options.serverName)) return undefined;
  const chains = leaf.raw.equals(root.raw) ? [[leaf]] : chainsFrom(search, [leaf]);
  for (const chain of chains) {
    if (isAllowed(context, chain, options.usages)) return chain;
  }
  return undefined;
}

/** Depth first, the root before the intermediates, as Go lists them. */
function* chainsFrom(search: Search, chain: readonly Certificate[]): Generator<readonly Certificate[]> {
  const child = chain.at(-1) as Certificate;
  if (isParent(search, search.root, child, chain)) yield [...chain, search.root];
  for (const candidate of byKeyId(search.intermediates, child)) {
    if (!isParent(search, candidate, child, chain)) continue;
    if (candidate.facts.basicConstraints?.isCa === true) yield* chainsFrom(search, [...chain, candidate]);
  }
}

/** Those whose key identifier is the one that the child names come first, those that name another last. */
function byKeyId(candidates: readonly Certificate[], { facts: { authorityKeyId } }: Certificate): Certificate[] {
  const rank = ({ facts: { subjectKeyId } }: Certificate): number => {
    if (subjectKeyId === undefined || authorityKeyId === undefined) return subjectKeyId === authorityKeyId ? 0 : 1;
    return subjectKeyId.equals(authorityKeyId) ? 0 : 2;
  };
  return [...candidates].sort((a, b) => rank(a) - rank(b));
}

function isParent(search: Search, candidate: Certificate, child: Certificate, chain: readonly Certificate[]): boolean {
  if (!candidate.rawSubject.equals(child.rawIssuer)) return false;
  if (++search.checks > maxSignatureChecks) return false;
  if (chain.some((known) => isSameEntity(known, candidate))) return false;
  return isSigner(search.context, candidate, child) && isUsable(candidate, chain, search.options);
}

/** The same name and key: cross-signed certificates would else make circles. */
function isSameEntity(a: Certificate, b: Certificate): boolean {
  return a.rawSubject.equals(b.rawSubject) && a.rawPublicKey.equals(b.rawPublicKey) && sameNames(a, b);
}

function sameNames(a: Certificate, b: Certificate): boolean {
  const [x, y] = [a, b].map(({ extensions }) => extensions.find(({ id }) => id === '2.5.29.17')?.value);
  return x === undefined || y === undefined ? x === y : x.equals(y);
}

const keyCertSign = 1 << 5;

function isSigner(context: BuiltinContext, parent: Certificate, child: Certificate): boolean {
  const { version, facts, publicKey } = parent;
  const { basicConstraints, keyUsage = 0 } = facts;
  if (basicConstraints === undefined ? version === 3 : !basicConstraints.isCa) return false;
  if (keyUsage !== 0 && (keyUsage & keyCertSign) === 0) return false;
  const algorithm = child.signatureAlgorithm;
  if (publicKey.key === undefined || algorithm?.isTrusted !== true) return false;
  const steps = checkSteps(publicKey.key);
  if (steps === undefined || publicKey.key.asymmetricKeyType !== algorithm.key) return false;
  context.charge(steps);
  try {
    return new X509Certificate(child.raw).verify(publicKey.key);
  } catch (cause) {
    throw new BuiltinError('malformed certificate', { cause });
  }
}

function isUsable(
  { facts, notBeforeMs, notAfterMs }: Certificate,
  chain: readonly Certificate[],
  { timeMs }: VerifyOptions,
): boolean {
  const { unhandledCritical, basicConstraints, requireExplicitPolicy } = facts;
  if (unhandledCritical.length > 0 || requireExplicitPolicy !== undefined) return false;
  if (timeMs < notBeforeMs || timeMs > notAfterMs) return false;
  // Those below that are no leaf.
  return chain.length - 1 <= (basicConstraints?.maxPathLength ?? Infinity);
}

function isAllowed(context: BuiltinContext, chain: readonly Certificate[], usages: readonly string[]): boolean {
  const isUsageAllowed =
    usages.includes(anyUsage) ||
    usages.some((usage) =>
      chain.every(({ facts: { extendedKeyUsages } }) => {
        return (
          extendedKeyUsages.length === 0 || extendedKeyUsages.includes(anyUsage) || extendedKeyUsages.includes(usage)
        );
      }),
    );
  return isUsageAllowed && areNamesPermitted(context, chain);
}
