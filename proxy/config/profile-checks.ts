import { approvedTokens } from '../fips/approved.ts';
import type { Complain } from './checks.ts';
import type { Draft } from './draft.ts';
import type { Settings } from './options.ts';
import type { Path } from './problem.ts';
import { unsafeKeys } from './unsafe-keys.ts';

/** What the profile promises is true of every configuration that was accepted. */
export function checkProfile(settings: Draft<Settings>, complain: Complain): void {
  const { profile } = settings;
  if (profile === undefined || profile === 'standard') return;
  const why = `\`profile: ${profile}\` does not allow it`;
  if (settings.audit?.mode === 'best-effort') complain(['audit', 'mode'], why, { allowed: '`required`' });
  for (const key of unsafeKeys(settings)) complain(key.split('.'), why);
  if (settings.workload_api !== undefined) {
    const keys = 'the process that clients reach would issue identities to others';
    complain(['workload_api'], `${why}: ${keys}`, { allowed: '`portcullis workload-api`, a process of its own' });
  }
  if (profile === 'fips') checkTokens(settings, complain);
}

function checkTokens({ issuers = [] }: Draft<Settings>, complain: Complain): void {
  issuers.forEach((issuer, index) => {
    checkAlgorithms(issuer?.algorithms, ['issuers', index, 'algorithms'], complain);
    checkAlgorithms(issuer?.dpop?.algorithms, ['issuers', index, 'dpop', 'algorithms'], complain);
  });
}

type Algorithms = Draft<Settings['issuers'][number]['algorithms']>;

function checkAlgorithms(algorithms: Algorithms | undefined, path: Path, complain: Complain): void {
  algorithms?.forEach((algorithm, at) => {
    if (algorithm === undefined || approvedTokens.includes(algorithm)) return;
    const allowed = approvedTokens.join(', ');
    complain([...path, at], `\`${algorithm}\` is not approved (\`profile: fips\`)`, { allowed });
  });
}
