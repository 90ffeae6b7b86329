import type { IssuerConfig } from '../config/token-config.ts';
import { type Denial, deny } from '../denial.ts';
import type { Scheme } from './credential.ts';

/**
 * RFC 9110 section 15.5.2: a refusal for want of a good credential says which ones are taken here. The error stands with the
 * scheme that was used (RFC 6750 section 3, RFC 9449 section 7.1 and 7.2); where no token came, there is none to name.
 * @param issuers whose users are served on the route
 */
export function challenged(denial: Denial, issuers: readonly IssuerConfig[], used: Scheme | undefined): Denial {
  if (!/^user-(?:token|proof)-/.test(denial.code)) return denial;
  const schemes = takenSchemes(issuers);
  const [first] = schemes;
  const toBlame = schemes.find(({ scheme }) => scheme === used) ?? first;
  const headers = schemes.flatMap((one) => {
    const { scheme, parameters } = one;
    const all = one === toBlame ? [...errorOf(denial, used), ...parameters] : parameters;
    return ['www-authenticate', [scheme === 'dpop' ? 'DPoP' : 'Bearer', all.join(', ')].join(' ').trimEnd()];
  });
  return deny(denial.code, { ...denial, headers });
}

function takenSchemes(issuers: readonly IssuerConfig[]): readonly { scheme: Scheme; parameters: readonly string[] }[] {
  const algorithms = [...new Set(issuers.flatMap(({ dpop }) => dpop?.algorithms ?? []))];
  const bearer = issuers.some(({ dpop }) => dpop?.required !== true);
  return [
    ...(bearer ? [{ scheme: 'bearer', parameters: [] } as const] : []),
    ...(algorithms.length > 0 ? [{ scheme: 'dpop', parameters: [`algs="${algorithms.join(' ')}"`] } as const] : []),
  ];
}

function errorOf({ code }: Denial, used: Scheme | undefined): readonly string[] {
  if (code === 'user-token-missing') return [];
  if (code === 'user-token-misplaced') return ['error="invalid_request"'];
  return [code.startsWith('user-proof-') && used === 'dpop' ? 'error="invalid_dpop_proof"' : 'error="invalid_token"'];
}
