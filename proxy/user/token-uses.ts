import { type Quotas, quotaKey } from '../limit/quotas.ts';
import type { Life } from './life.ts';

/** Which tokens have been used, over all data threads and as long as each of them could be used again. */
export type TokenUses = {
  /** `ended` means that its life is over by now, `full` that it cannot be remembered; both must be refused. */
  readonly take: (owner: string, tokenId: string, life: Life) => 'first' | 'used' | 'ended' | 'full';
};

/**
 * A token that may be used once is a quota of one request until it is forgotten. `nowMs` is the wall clock, which the ends of
 * tokens are read on: remembered by any other, a used one would be good again once that clock is put back.
 */
export function tokenUses(table: Quotas, nowMs: () => number): TokenUses {
  return {
    take: (owner, tokenId, { endsMs, forgottenMs }) => {
      // Not when the request came: since then its signature was checked and its issuer asked, and the first use may be forgotten.
      const now = nowMs();
      if (now >= endsMs) return 'ended';
      const once = { requests: 1, perMs: forgottenMs - now, burst: 1 };
      const verdict = table.take(quotaKey(owner, tokenId), once, now * 1000);
      if (verdict === 'table-full') return 'full';
      if (!verdict.allowed) return 'used';
      // This thread may have been held up before it had the lock, while another gave away the place of what was forgotten.
      return nowMs() >= endsMs ? 'ended' : 'first';
    },
  };
}
