import { type Certificate, certificateToPem } from '../../certificate.ts';
import type { CertsErrorCode } from '../../errors.ts';
import { type HandshakeRefusalReason, isHandshakeRefusal } from '../../handshake-refusal.ts';
import { judgePeer } from '../../peer.ts';
import type { SpiffeId, TrustDomain } from '../../spiffe-id.ts';
import { isBroken, judgeLeaf } from '../../svid.ts';
import { readTrustBundle, type TrustBundleData } from '../../trust-bundle.ts';
import type { SvidMaterial } from '../svid-source.ts';
import { isProblems, type Located, parseBundle, parseCertificates, parseKey } from './parse.ts';
import type { FileProblem, SvidFiles } from './problem.ts';
import type { FileTexts } from './read.ts';

export type Expected = {
  readonly files: SvidFiles;
  readonly spiffeId: SpiffeId;
  readonly trustDomain: TrustDomain;
  readonly nowMs: number;
  /** By which the SVID is judged when the file with the bundle is no good. */
  readonly bundleInForce: TrustBundleData | undefined;
};

/** What may be used of the files; a part that has a problem is undefined. */
export type Judged = {
  readonly svid: SvidMaterial | undefined;
  readonly bundle: TrustBundleData | undefined;
  readonly problems: readonly FileProblem[];
};

/**
 * The SVID is good when it is the one that was configured, belongs to its key, and would be accepted by ourselves: what
 * we would refuse of a peer, peers will refuse of us.
 */
export function judgeFiles(texts: FileTexts, expected: Expected): Judged {
  const { files, trustDomain, bundleInForce } = expected;
  const at = (part: keyof SvidFiles) => (code: CertsErrorCode, message: string, line?: number) =>
    ({ part, code, file: files[part], line, message }) satisfies FileProblem;
  const bundle =
    typeof texts.bundle === 'string' ? parseBundle(texts.bundle, trustDomain, at('bundle')) : [texts.bundle];
  const chain =
    typeof texts.certificate === 'string'
      ? parseCertificates(texts.certificate, at('certificate'))
      : [texts.certificate];
  const key = typeof texts.key === 'string' ? parseKey(texts.key, at('key')) : texts.key;
  const problems = [
    ...(isProblems(chain) ? chain : []),
    ...('code' in key ? [key] : []),
    ...(isProblems(bundle) ? bundle : []),
  ];
  const goodBundle = isProblems(bundle) ? undefined : bundle;
  if (isProblems(chain) || 'code' in key) return { svid: undefined, bundle: goodBundle, problems };
  const judged = judgeSvid(chain, key, { ...expected, bundle: goodBundle ?? bundleInForce }, at);
  if (judged !== undefined && 'code' in judged)
    return { svid: undefined, bundle: goodBundle, problems: [judged, ...problems] };
  return { svid: judged, bundle: goodBundle, problems };
}

type At = (part: keyof SvidFiles) => (code: CertsErrorCode, message: string, line?: number) => FileProblem;

function judgeSvid(
  chain: readonly Located[],
  { key, line: keyLine }: Exclude<ReturnType<typeof parseKey>, FileProblem>,
  expected: Pick<Expected, 'spiffeId' | 'nowMs' | 'files'> & { readonly bundle: TrustBundleData | undefined },
  at: At,
): SvidMaterial | FileProblem | undefined {
  const [first] = chain as readonly [Located];
  const leaf = first.certificate;
  const wrong = (code: CertsErrorCode, message: string) => at('certificate')(code, message, first.line);
  const spiffeId = judgeLeaf(leaf);
  if (isBroken(spiffeId)) return wrong(codes[spiffeId.reason] ?? 'svid-invalid', spiffeId.detail);
  if (spiffeId !== expected.spiffeId) {
    return wrong('svid-foreign', `the SVID is ${spiffeId}, and identity.spiffe_id is ${expected.spiffeId}`);
  }
  if (!leaf.openssl.checkPrivateKey(key)) {
    return at('key')('key-mismatch', `not the key of the certificate in ${expected.files.certificate}`, keyLine);
  }
  // Without a bundle there is nothing to judge the path by; that has been said of the bundle.
  if (expected.bundle === undefined) return undefined;
  const chainDer = chain.map(({ certificate }) => certificate.der);
  const peer = judgePeer(chainDer, null, readTrustBundle(expected.bundle), expected.nowMs);
  if (isHandshakeRefusal(peer)) return wrong(codes[peer.refused] ?? 'svid-invalid', peer.detail);
  return {
    spiffeId,
    chainPem: withoutRoots(chain.map(({ certificate }) => certificate))
      .map(certificateToPem)
      .join(''),
    keyPem: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    serial: leaf.serial,
    notBeforeMs: peer.notBeforeMs,
    // Of the whole path: with its issuer the SVID ends too.
    notAfterMs: peer.notAfterMs,
  };
}

const codes: Partial<Record<HandshakeRefusalReason, CertsErrorCode>> = {
  'malformed-certificate': 'certificate-malformed',
  expired: 'svid-expired',
  'not-yet-valid': 'svid-not-yet-valid',
  untrusted: 'svid-untrusted',
  'wrong-trust-domain': 'svid-foreign',
};

/** RFC 8446 section 4.4.2 lets the root be left out: who trusts it has it. Vault and cert-manager may put it at the end. */
function withoutRoots([leaf, ...others]: readonly Certificate[]): readonly Certificate[] {
  const issuers = others.filter(({ openssl }) => !openssl.checkIssued(openssl));
  return leaf === undefined ? [] : [leaf, ...issuers];
}
