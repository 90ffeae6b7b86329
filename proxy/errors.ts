/**
 * Every way the proxy itself can fail an operator. What a *request* can fail with is in `denial.ts`.
 * A code is stable: scripts and runbooks match on it, so one is added or retired, never renamed.
 */
export const PROXY_ERRORS = {
  'config-unreadable': {
    summary: 'the configuration file could not be read',
    remedy: 'name an existing, readable file with -c FILE',
  },
  'config-invalid': {
    summary: 'the configuration has problems',
    remedy: 'correct every problem listed, then run `portcullis check -c FILE` again',
  },
  'port-in-use': {
    summary: 'another process listens on the address',
    remedy: 'stop that process, or choose another port for the key named',
  },
  'port-privileged': {
    summary: 'this user may not listen on a port below 1024',
    remedy: 'choose a port from 1024 up, or grant CAP_NET_BIND_SERVICE',
  },
  'address-unavailable': {
    summary: 'the address to listen on does not belong to this machine, or its folder does not exist',
    remedy: 'choose an address of this machine, or create the folder of the socket',
  },
} as const satisfies Readonly<Record<string, { readonly summary: string; readonly remedy: string }>>;

export type ProxyErrorCode = keyof typeof PROXY_ERRORS;

/** A mistake that an operator can correct; printed as `error[code]: message` and the remedy, never with a stack. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: ProxyErrorCode;
  readonly remedy: string;

  /** `message` says what happened, with the concrete file, address or name in it. */
  constructor(code: ProxyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.remedy = PROXY_ERRORS[code].remedy;
  }
}
