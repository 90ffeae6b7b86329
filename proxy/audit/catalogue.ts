import type { DenialKind } from '../denial-catalogue.ts';
import { type DenialCode, denialRow } from '../denial.ts';
import type { ControlFacts, ExchangeFacts, HandshakeFacts } from './record.ts';

/**
 * The closed catalogue of event types (AU-2): what each says, and why it is worth a record. A type is stable, like a
 * denial code: detections are written against it, so one is added or retired, never renamed.
 */
export type EventTypeRow = { readonly doc: string; readonly rationale: string };

const row = (doc: string, rationale: string): EventTypeRow => Object.freeze({ doc, rationale });

/** Types of exchanges; which one follows from the outcome alone, see `exchangeType`. */
// biome-ignore format: a table reads as a table
export const exchangeTypes = {
  'authz.allow': row('The policy allowed a request and it was forwarded.', 'Who did what: the base of every review (AU-2, AC-3).'),
  'authz.deny': row('The policy, an ended identity or a missing route refused a request.', 'Attempts beyond one’s rights are the first sign of a stolen identity (AC-3, AC-6(9)).'),
  'authz.error': row('It could not be decided, so the request was refused.', 'Shows that the proxy failed closed, and how often (SC-24).'),
  'input.reject': row('The request itself was bad: framing, target, content or schema.', 'Smuggling and injection attempts (SI-10).'),
  'output.reject': row('The answer of the workload broke its schema or its limits and was withheld.', 'A workload that leaks or was taken over (SI-15).'),
  'limit.reject': row('A quota or a concurrency limit refused a request.', 'Floods, scraping, runaway clients (SC-5).'),
  'upstream.error': row('The workload could not be reached, broke off or answered garbage.', 'Separates failures of the workload from refusals (SI-11).'),
  'client.abort': row('The client went away before the exchange was complete.', 'Probing, and answers that nobody read (SC-5).'),
  'proxy.abort': row('The proxy broke an exchange off because it had to stop.', 'Separates what a restart has cost from clients that left (AU-3).'),
  'internal.error': row('The proxy failed on a request: a bug.', 'An exception nobody expected may be an attack that works (SI-11).'),
} as const satisfies Record<string, EventTypeRow>;

// biome-ignore format: a table reads as a table
export const handshakeTypes = {
  'tls.accept': row('A connection whose handshake gave a peer identity has ended, and nothing was asked on it. Who asks stands in the record of each exchange.', 'When an identity was here, although it asked nothing (IA-3).'),
  'tls.reject': row('A TLS handshake was refused; `reason` says why.', 'Foreign, expired or missing certificates at the door (IA-3, SC-23).'),
  'tls.end': row('An open connection was ended by the proxy, because its identity expired, was revoked or lost its root, because of its age, because of what its client sent (a flood of TLS records without content, frames that HTTP/2 does not allow), or because our own SVID that it was opened under was replaced; `reason` and `detail` say which. A request that was broken off with it has its own record.', 'Shows when a revocation took effect, and on whom (AC-12, IA-5(2), SC-10).'),
} as const satisfies Record<string, EventTypeRow>;

// biome-ignore format: a table reads as a table
export const controlTypes = {
  'proc.start': row('The proxy started.', 'Begins an accountable period (AU-12).'),
  'proc.stop': row('The proxy stopped in good order.', 'Its absence before the next start means a crash or a kill.'),
  'thread.replaced': row('A data thread was stuck beyond its deadline and was replaced.', 'A policy or a request that stops the proxy (SC-5).'),
  'config.load': row('A configuration was loaded.', 'Change control: which configuration judged what follows (CM-3).'),
  'config.reject': row('A configuration was refused and the old one stays.', 'A failed or hostile change (CM-3).'),
  'policy.load': row('A policy was loaded.', 'Changes of policy change who may do what (CM-3, AC-3).'),
  'policy.reject': row('A policy was refused and the old one stays.', 'A failed or hostile change (CM-3).'),
  'policy.bad': row('A policy revision was marked bad and decides nothing any more.', 'A policy that denies service (SC-5).'),
  'policy.differ': row('The two engines gave different decisions on one request; `detail` has the digests of both results.', 'One of them decides wrongly, or was made to (SI-7, SC-24).'),
  'snapshot.swap': row('Data threads judge by a new snapshot from here on.', 'Ties every later record to one digest (CM-3).'),
  'identity.rotate': row('The proxy’s own SVID was renewed.', 'Key life cycle (SC-12, IA-5).'),
  'identity.wait': row('There is no SVID yet, and the start waits for the agent that is to bring one.', 'Nobody is served without an identity (IA-9).'),
  'identity.renewal-failed': row('The proxy’s own SVID could not be renewed and the old one stays.', 'Early warning before expiry (IA-5).'),
  'identity.overdue': row('The stated share of the life of the proxy’s own SVID has passed, and no new one has come.', 'The last warning before peers refuse this proxy (IA-5).'),
  'identity.expire': row('The proxy’s own SVID expired; from here on it accepts nobody.', 'Loss of service, and what peers would refuse anyway (IA-5).'),
  'trust.change': row('The trust bundle changed.', 'Changes whom the proxy believes (SC-12).'),
  'trust.reject': row('A changed file with the trust bundle was refused and the old bundle stays, the bundle of a foreign trust domain was left out, or data threads could not take over a change of whom to trust yet (`outcome` `error`; it is tried again).', 'A failed or hostile change of whom the proxy believes (SC-12, CM-3).'),
  'keys.change': row('The keys that the tokens of an issuer are verified with changed, or none are there any more; `detail` names the issuer and the keys.', 'Whose signatures about people are believed (IA-5, SC-12).'),
  'fetch.failed': row('A revocation list, the keys of an issuer or the bundle of a foreign trust domain could not be fetched, or what came was refused; what there is stays in force until its end.', 'From when on revocations and rotations may be unknown (SC-12, IA-5(2)).'),
  'ca.create': row('A local CA was created.', 'The root of all local identities (SC-12).'),
  'ca.create-jwt-key': row('The local CA made its key for JWT-SVIDs.', 'Whoever holds it can be any workload (SC-12).'),
  'ca.issue': row('The local CA issued a certificate to a process that keeps this audit. What `portcullis ca issue` issued stands in the register of the CA instead, as `ca show` prints it.', 'Which identities came into being, and when (SC-17).'),
  'ca.refuse': row('The local CA refused to issue a certificate.', 'Attempts to obtain an identity (SC-17).'),
  'ca.revoke': row('The local CA revoked a certificate in a process that keeps this audit. What `portcullis ca revoke` revoked stands in the register of the CA, and its effect here as `tls.end` and `tls.reject`.', 'From when on an identity is void (SC-17).'),
  'svid.deliver': row('`portcullis workload-api` handed an SVID of the local CA and its key to whoever opened the socket in `file`, by the method in `command`.', 'Who was given which identity, and when (IA-3, SC-12).'),
  'svid.deliver-jwt': row('`portcullis workload-api` signed a JWT-SVID for whoever opened the socket in `file`; `token` has its claims.', 'Who was given which identity, for whom, and when (IA-3, SC-12).'),
  'svid.refuse': row('A call of the Workload API was refused; `reason` says why.', 'Attempts to obtain an identity (IA-3, SC-17).'),
  'svid.renewal-failed': row('An SVID that is handed out over the Workload API could not be renewed; the old one stays.', 'Early warning before a workload loses its identity (IA-5).'),
  'bundle.publish': row('The bundle endpoint began to serve the bundle of the local CA; `detail` has its address, profile and sequence.', 'What other trust domains are told to believe (SC-12, SC-17).'),
  'bundle.renewal-failed': row('The certificate of the bundle endpoint could not be renewed; the old one stays.', 'Early warning before other trust domains stop to be told of changes (SC-12).'),
  'breaker.open': row('The workload failed `workload.breaker.failures` times in a row and is not asked any more; `thread` says by which data thread, `detail` which of workload and standby.', 'Loss of the service behind the proxy (SC-5, SI-13).'),
  'breaker.close': row('The workload has answered again, or another configuration is in force; it is asked as before. A new thread begins closed too (`thread.replaced`).', 'Ends what `breaker.open` began (CP-10, SI-13).'),
  'admin.call': row('An administrative call was made, allowed or not.', 'Use of privileged functions (AC-6(9)).'),
  'time.step': row('The wall clock jumped against the monotonic clock.', 'Time stamps before and after do not compare; expiry can be evaded by it (AU-8).'),
  'audit.start': row('The stream was opened.', 'Start of audit itself is an event (AU-12).'),
  'audit.stop': row('The stream was closed in good order.', 'An end without it was a crash, a kill, or a cut-off tail.'),
  'audit.rotate': row('First record of a new segment file.', 'Ties the files to each other (AU-9).'),
  'audit.recovered': row('The stream goes on after a crash or a failure; what was cut or lost is summed up here.', 'Gaps are admitted, with numbers (AU-5).'),
  'audit.degraded': row('The stream works, but not as it should: the disk below it is three quarters full (`nearly-full`) or full, so that records go into the reserve, or a sync failed.', 'Alert before records are lost (AU-5(1)).'),
} as const satisfies Record<string, EventTypeRow>;

export type ExchangeType = keyof typeof exchangeTypes;
export type ControlType = keyof typeof controlTypes;
export type EventType = ExchangeType | keyof typeof handshakeTypes | ControlType;

export const eventTypes: Readonly<Record<EventType, EventTypeRow>> = Object.freeze({
  ...exchangeTypes,
  ...handshakeTypes,
  ...controlTypes,
});

export type Outcome = 'allow' | 'deny' | 'error';

/** `reason` is the code of the refusal; without one the request was allowed and the workload answered it. */
export type ExchangeEvent = ExchangeFacts & { readonly kind: 'exchange'; readonly reason?: DenialCode | undefined };
/** `reason` is the code of the refused handshake, or why the connection was ended; without one the handshake succeeded. */
export type HandshakeEvent = HandshakeFacts & {
  readonly kind: 'handshake';
  readonly reason?: string | undefined;
  /** The handshake was long ago: this is the end of its connection. */
  readonly ended?: true;
};
export type ControlEvent = ControlFacts & {
  readonly kind: 'control';
  readonly type: ControlType;
  /** `allow` where it is missing: it was done. */
  readonly outcome?: Outcome | undefined;
  readonly reason?: string | undefined;
};
export type AuditEvent = ExchangeEvent | HandshakeEvent | ControlEvent;

export type Heading = {
  readonly type: EventType;
  readonly outcome: Outcome;
  readonly class?: DenialKind | undefined;
  readonly reason?: string | undefined;
};

/** What of a record follows from the event instead of being told. */
export function headingOf(event: AuditEvent): Heading {
  switch (event.kind) {
    case 'exchange':
      return event.reason === undefined ? ALLOWED : refusal(event.reason);
    case 'handshake':
      if (event.ended)
        return { type: 'tls.end', outcome: ofNobodysFault.has(event.reason) ? 'allow' : 'deny', reason: event.reason };
      return event.reason === undefined
        ? { type: 'tls.accept', outcome: 'allow' }
        : { type: 'tls.reject', outcome: 'deny', class: 'denied', reason: event.reason };
    case 'control':
      return { type: event.type, outcome: event.outcome ?? 'allow', reason: event.reason };
  }
}

/** Ends of connections that say nothing against the peer. */
const ofNobodysFault: ReadonlySet<string | undefined> = new Set(['max-age', 'own-svid-replaced']);

const ALLOWED: Heading = Object.freeze({ type: 'authz.allow', outcome: 'allow' });
const OUTCOMES = { denied: 'deny', invalid: 'deny', undecided: 'error', failed: 'error' } as const;

function refusal(code: DenialCode): Heading {
  const kind = denialRow(code).kind;
  return { type: exchangeType(code), outcome: OUTCOMES[kind], class: kind, reason: code };
}

/** Codes whose type is not that of their kind. */
const EXCEPTIONS: Partial<Record<DenialCode, ExchangeType>> = {
  'too-many-requests': 'limit.reject',
  'too-many-in-flight': 'limit.reject',
  overloaded: 'limit.reject',
  'upstream-too-large': 'output.reject',
  'response-violation': 'output.reject',
  'client-aborted': 'client.abort',
  'drain-timeout': 'proxy.abort',
  'internal-error': 'internal.error',
};

const BY_KIND = {
  denied: 'authz.deny',
  undecided: 'authz.error',
  invalid: 'input.reject',
  failed: 'upstream.error',
} as const satisfies Record<DenialKind, ExchangeType>;

export function exchangeType(code: DenialCode): ExchangeType {
  return EXCEPTIONS[code] ?? BY_KIND[denialRow(code).kind];
}
