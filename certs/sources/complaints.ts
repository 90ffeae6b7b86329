import type { CertsErrorCode } from '../errors.ts';
import type { IdentityEvent } from './events.ts';
import type { SvidMaterial } from './svid-source.ts';

/** Why a part of what a source was given is not used. */
export type Complaint = {
  readonly about: 'svid' | 'bundle';
  readonly code: CertsErrorCode;
  /** With its place; never quotes a key. */
  readonly message: string;
};

/** The same complaint is told once, however often a source meets it; mended and broken again, it is told anew. */
export function createComplaints(
  onEvent: ((event: IdentityEvent) => void) | undefined,
  current: () => SvidMaterial | undefined,
) {
  let told: ReadonlySet<string> = new Set();
  const tellOne = ({ about, code, message }: Complaint) => {
    const stays = current();
    if (stays === undefined) return onEvent?.({ type: 'identity.wait', code, message });
    if (about === 'bundle') return onEvent?.({ type: 'trust.refresh-failed', code, message });
    const { spiffeId, serial, notAfterMs } = stays;
    return onEvent?.({ type: 'identity.refresh-failed', spiffeId, serial, notAfterMs, code, message });
  };
  return {
    /** All that there are now. */
    tell: (complaints: readonly Complaint[]) => {
      for (const complaint of complaints) if (!told.has(complaint.message)) tellOne(complaint);
      told = new Set(complaints.map(({ message }) => message));
    },
    areTold: (complaints: readonly Complaint[]) => complaints.every(({ message }) => told.has(message)),
  };
}
