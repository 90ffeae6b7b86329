import type { SpiffeId } from '../../certs/spiffe-id.ts';

/** Absolute paths. */
export type BundleEndpointConfig = {
  readonly listen: { readonly host: string; readonly port: number };
  readonly refreshHintMs: number;
  /** How it proves itself. */
  readonly server:
    | { readonly kind: 'web'; readonly certificate: string; readonly key: string }
    | { readonly kind: 'spiffe'; readonly spiffeId: SpiffeId };
};
