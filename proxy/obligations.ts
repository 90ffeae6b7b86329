import { type Denial, deny } from './denial.ts';
import type { HeaderList } from './header-list.ts';
import { isSettable, type OwnHeaders } from './normalise/headers.ts';

/** What policy demands on top of the permission; all of it is carried out, or the exchange is refused. */
export type Obligations = {
  /** Headers for the workload. */
  readonly requestHeaders: HeaderList;
  /** Sentences for the audit record. */
  readonly notes: readonly string[];
};

/**
 * Reads obligations. A PEP that does not understand one must not let the request pass (XACML 3.0 section 7.18).
 * @param headers valid names in lower case and valid values, as `readDecision` lets through
 */
export function readObligations(
  obligations: readonly Readonly<Record<string, unknown>>[],
  headers: ReadonlyMap<string, string>,
  own: OwnHeaders,
): Obligations | Denial {
  const notes: string[] = [];
  for (const { type, note } of obligations) {
    if (type !== 'audit-note' || typeof note !== 'string') {
      return deny('policy-undecided', { detail: 'an obligation that this proxy does not understand' });
    }
    notes.push(note);
  }
  const requestHeaders: string[] = [];
  for (const [name, value] of headers) {
    if (!isSettable(name, own)) {
      return deny('policy-undecided', { detail: `policy may not set the header ${name}` });
    }
    requestHeaders.push(name, value);
  }
  return { requestHeaders, notes };
}
