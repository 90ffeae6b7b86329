/**
 * The names that may become label values. A label that took what a client sends would give the client a way to grow the
 * memory of the proxy and of the monitoring system behind it (CVE-2026-73546 class: names that break out of their metric).
 */
export type Vocabulary = {
  /** Names of the routes in force. */
  readonly routes: readonly string[];
  readonly stages: readonly string[];
  readonly handshakeReasons: readonly string[];
};

export const OTHER = 'other';

/** Maps every name that is not on the list to `other`. */
export function boundedTo(names: readonly string[]): (name: string | undefined) => string {
  const known = new Set(names);
  return (name) => (name !== undefined && known.has(name) ? name : OTHER);
}
