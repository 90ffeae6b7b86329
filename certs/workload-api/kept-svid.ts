import { CertsError } from '../errors.ts';
import type { SpiffeId } from '../spiffe-id.ts';
import type { SvidMaterial, SvidSource } from '../sources/svid-source.ts';

/** Told of a successor, or that there is none to be had. */
export type Watcher = { readonly changed: () => void; readonly failed: (error: unknown) => void };

/**
 * One SVID that a socket hands out. It is issued for the first caller, the same for all callers that come until it is renewed, and
 * renewed as long as somebody is told of it: for a workload that is gone one more is issued at most.
 */
export type KeptSvid = {
  readonly spiffeId: SpiffeId;
  readonly hint: string | undefined;
  /** Throws CertsError when none can be issued. */
  readonly watch: (watcher: Watcher) => Promise<HeldSvid>;
  /** To be called when the revocation list has changed: whoever revokes a serial wants another key in its place. */
  readonly replaceIf: (revoked: (svid: SvidMaterial) => boolean) => Promise<void>;
  readonly close: () => void;
};

export type HeldSvid = { readonly current: () => SvidMaterial; readonly release: () => void };

export type KeptSvidOptions = {
  readonly spiffeId: SpiffeId;
  readonly hint: string | undefined;
  /** Issues an SVID and begins to renew it. */
  readonly open: () => Promise<SvidSource>;
  readonly now: () => number;
};

export function keepSvid({ spiffeId, hint, open, now }: KeptSvidOptions): KeptSvid {
  const watchers = new Set<Watcher>();
  let source: SvidSource | undefined;
  let isRevoked = false;
  let opening: Promise<void> | undefined;

  const forget = () => {
    source?.close();
    source = undefined;
  };
  const renewed = () => {
    if (watchers.size === 0) return forget();
    for (const { changed } of watchers) changed();
  };
  const accept = (fresh: SvidSource) => {
    forget();
    source = fresh;
    isRevoked = false;
    fresh.subscribe(renewed);
  };
  const opened = async (): Promise<void> => {
    // One that has ended or was revoked is given to nobody new, and stays until another stands in its place.
    if (source !== undefined && !isRevoked && source.current().notAfterMs > now()) return;
    // Callers that come at once share one certificate.
    opening ??= open()
      .then(accept)
      .finally(() => (opening = undefined));
    await opening;
  };
  const current = () => {
    if (source === undefined) throw new CertsError('svid-expired', `there is no SVID of ${spiffeId} any more`);
    return source.current();
  };
  return {
    spiffeId,
    hint,
    watch: async (watcher) => {
      const release = () => void watchers.delete(watcher);
      // Before there is anything to be told of: a renewal in between must not find nobody.
      watchers.add(watcher);
      await opened().catch((error: unknown) => {
        release();
        throw error;
      });
      return { current, release };
    },
    replaceIf: async (revoked) => {
      if (source === undefined || !revoked(source.current())) return;
      if (watchers.size === 0) return forget();
      isRevoked = true;
      await opened().then(renewed, (error: unknown) => {
        for (const { failed } of watchers) failed(error);
      });
    },
    close: forget,
  };
}
