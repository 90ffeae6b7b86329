import type { SpiffeId } from '../../spiffe-id.ts';
import type { TrustBundleData } from '../../trust-bundle.ts';
import { audience } from '../audience.ts';
import type { IdentityEvent } from '../events.ts';
import { isSameSvid } from '../own-svid.ts';
import type { SvidMaterial, SvidSource } from '../svid-source.ts';

/** An SVID, and whom to trust. */
export type WholeIdentity = { readonly svid: SvidMaterial; readonly trust: TrustBundleData };

/** The newest parts that were good, and who is told when one changes. */
export type InUse = {
  /** Undefined until both parts have come. */
  readonly current: () => WholeIdentity | undefined;
  /** A part that is undefined stays as it was. */
  readonly use: (given: { readonly [Part in keyof WholeIdentity]: WholeIdentity[Part] | undefined }) => void;
  readonly subscribe: SvidSource['subscribe'];
  readonly watchTrust: (changed: () => void) => () => void;
  readonly forget: () => void;
};

/** `begun` is called with the first identity that is whole. */
export function createInUse(
  spiffeId: SpiffeId,
  begun: (identity: WholeIdentity) => void,
  onEvent: ((event: IdentityEvent) => void) | undefined,
): InUse {
  const { subscribe, tell, forget } = audience();
  const trustWatchers = new Set<() => void>();
  let current: WholeIdentity | undefined;
  const rotated = (svid: SvidMaterial, { serial: previousSerial }: SvidMaterial) => {
    const { serial, notAfterMs } = svid;
    onEvent?.({ type: 'identity.rotate', spiffeId, previousSerial, serial, notAfterMs });
    tell(svid);
  };
  return {
    current: () => current,
    use: ({ svid = current?.svid, trust = current?.trust }) => {
      if (svid === undefined || trust === undefined) return;
      const before = current;
      current = { svid: before !== undefined && isSameSvid(svid, before.svid) ? before.svid : svid, trust };
      if (before === undefined) return begun(current);
      if (JSON.stringify(trust) !== JSON.stringify(before.trust)) for (const changed of trustWatchers) changed();
      if (current.svid !== before.svid) rotated(current.svid, before.svid);
    },
    subscribe,
    watchTrust: (changed) => {
      const watcher = () => changed();
      trustWatchers.add(watcher);
      return () => void trustWatchers.delete(watcher);
    },
    forget: () => {
      forget();
      trustWatchers.clear();
    },
  };
}
