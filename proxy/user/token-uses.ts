import { type Quotas, quotaKey } from '../limit/quotas.ts';

/** Which tokens have been used, over all data threads and as long as each of them could be used again. */
export type TokenUses = {
  /** `full` means that it cannot be remembered, and must be refused. */
  readonly take: (issuer: string, tokenId: string, validMs: number) => 'first' | 'used' | 'full';
};

/** A token that may be used once is a quota of one request in the time that it is still good. `nowUs` is monotonic. */
export function tokenUses(table: Quotas, nowUs: () => number): TokenUses {
  return {
    take: (issuer, tokenId, validMs) => {
      const once = { requests: 1, perMs: validMs, burst: 1 };
      const verdict = table.take(quotaKey(issuer, tokenId), once, nowUs());
      if (verdict === 'table-full') return 'full';
      return verdict.allowed ? 'first' : 'used';
    },
  };
}
