/** One thing that must hold before requests are served. */
export type Condition = {
  /** For example `policy`, `identity`, `audit`, `listener`. */
  readonly name: string;
  readonly ok: boolean;
  /** Why not, for the operator; no secrets. */
  readonly detail?: string;
};

/** One call to the admin address, allowed or not, for the audit (`admin.call`). */
export type AdminCall = {
  readonly method: string;
  readonly target: string;
  readonly status: number;
  /** Address of the caller; `unix` over the socket. */
  readonly remote: string;
  /** Why it was refused or failed. */
  readonly reason?: string;
};

/** What the admin server may see of the proxy. It can change nothing: there is no call that does. */
export type AdminState = {
  readonly ready: () => readonly Condition[];
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  /** Digest, routes, policy revision, SVID serial and expiry, unsafe options, threads; no secrets. */
  readonly snapshot: () => unknown;
  readonly onCall: (call: AdminCall) => void;
};
