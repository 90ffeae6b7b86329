import type { SpiffeId } from '../spiffe-id.ts';

/** One identity with its secret. Whoever holds it can be that identity: never log it, never put it in an error. */
export type SvidMaterial = {
  readonly spiffeId: SpiffeId;
  /** Leaf first, then the intermediates; the root is not part of it. */
  readonly chainPem: string;
  /** PKCS#8, not encrypted. */
  readonly keyPem: string;
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
};

/**
 * Where an identity comes from. The contract for every source:
 * - `current` answers at once with an SVID that was good when it was obtained; a source exists only once it has one;
 * - a refresh that fails keeps the SVID there is, tells its owner why, and is tried again;
 * - a listener is called after `current` has changed, never before and never for a failure;
 * - after `close` nothing is called any more, and no timer holds the process.
 */
export type SvidSource = {
  readonly current: () => SvidMaterial;
  /** From when on a successor of the current SVID should have come: time to warn, while it still holds. */
  readonly overdueFromMs: () => number;
  readonly subscribe: (listener: (svid: SvidMaterial) => void) => () => void;
  readonly close: () => void;
};
