import type { SvidMaterial } from './svid-source.ts';

/** Who is told of a new SVID. */
export function audience() {
  const listeners = new Set<(svid: SvidMaterial) => void>();
  return {
    subscribe: (listener: (svid: SvidMaterial) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** In its own task each: a listener that throws is a bug of its owner, which must surface and not end the renewals. */
    tell: (svid: SvidMaterial) => {
      for (const listener of listeners) queueMicrotask(() => listener(svid));
    },
    forget: () => listeners.clear(),
  };
}
