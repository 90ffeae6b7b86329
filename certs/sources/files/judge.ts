import type { Algorithms } from '../../approved.ts';
import type { CertsErrorCode } from '../../errors.ts';
import type { SpiffeId, TrustDomain } from '../../spiffe-id.ts';
import type { TrustBundleData } from '../../trust-bundle.ts';
import { judgeOwnSvid } from '../own-svid.ts';
import type { SvidMaterial } from '../svid-source.ts';
import { isProblems, type Located, parseBundle, parseCertificates, parseKey } from './parse.ts';
import type { FileProblem, SvidFiles } from './problem.ts';
import type { FileTexts } from './read.ts';

export type Expected = {
  readonly files: SvidFiles;
  readonly spiffeId: SpiffeId;
  readonly trustDomain: TrustDomain;
  readonly nowMs: number;
  readonly algorithms?: Algorithms | undefined;
  /** By which the SVID is judged when the file with the bundle is no good. */
  readonly bundleInForce: TrustBundleData | undefined;
};

/** What may be used of the files; a part that has a problem is undefined. */
export type Judged = {
  readonly svid: SvidMaterial | undefined;
  readonly bundle: TrustBundleData | undefined;
  readonly problems: readonly FileProblem[];
};

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
  expected: Pick<Expected, 'spiffeId' | 'nowMs' | 'files' | 'algorithms'> & {
    readonly bundle: TrustBundleData | undefined;
  },
  at: At,
): SvidMaterial | FileProblem | undefined {
  const [first, ...others] = chain as readonly [Located, ...Located[]];
  const offered = { chain: [first.certificate, ...others.map(({ certificate }) => certificate)], key } as const;
  const judged = judgeOwnSvid(offered, expected);
  if (judged === undefined || !('part' in judged)) return judged;
  const { part, code, message } = judged;
  return part === 'key'
    ? at('key')(code, `${message} in ${expected.files.certificate}`, keyLine)
    : at('certificate')(code, message, first.line);
}
