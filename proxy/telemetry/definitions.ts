import { timedOneIn } from './stage-sample.ts';
/**
 * Every metric, as data: what is exposed is made from this table, and so is `docs/metrics.md`. Labels take their values
 * from the configuration and from closed lists only, so the number of series is known before the first request.
 */
export type MetricDefinition = {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
};

const metric = <const Labels extends readonly string[]>(
  type: MetricDefinition['type'],
  name: string,
  labels: Labels,
  help: string,
) => Object.freeze({ type, name, labels, help });

export const METRICS = {
  requests: metric(
    'counter',
    'portcullis_requests_total',
    ['route', 'outcome', 'code'],
    'Requests that ended. outcome: allowed, denied, undecided, invalid, failed; code: the refusal, or ok.',
  ),
  stageSeconds: metric(
    'histogram',
    'portcullis_stage_seconds',
    ['stage'],
    `How long each stage of a request took; of each thread's requests, one in ${timedOneIn} is timed.`,
  ),
  inFlight: metric('gauge', 'portcullis_in_flight_requests', ['thread'], 'Requests being served now.'),
  upstreamResponses: metric(
    'counter',
    'portcullis_upstream_responses_total',
    ['class'],
    'Answers of the workload by class of status: 2xx, 3xx, 4xx, 5xx.',
  ),
  breakerOpen: metric(
    'gauge',
    'portcullis_workload_breaker_open',
    ['thread'],
    '1 while the workload is not asked, because it failed too often in a row (workload.breaker), whether a standby is asked in its place or not; what is refused for it counts in portcullis_requests_total as breaker-open.',
  ),
  workloadHandshakes: metric(
    'counter',
    'portcullis_workload_handshakes_total',
    ['outcome'],
    'TLS handshakes with the workload, where there is workload.tls. outcome: verified, or why it was refused, such as untrusted, unexpected-id, protocol.',
  ),
  openConnections: metric('gauge', 'portcullis_open_connections', ['thread'], 'Client connections open now.'),
  handshakes: metric('counter', 'portcullis_handshakes_total', [], 'TLS handshakes that gave a peer identity.'),
  handshakeRefusals: metric(
    'counter',
    'portcullis_handshake_refusals_total',
    ['reason'],
    'TLS handshakes that were refused.',
  ),
  connectionsEnded: metric(
    'counter',
    'portcullis_connections_ended_total',
    ['reason'],
    'Open connections that the proxy ended, those to a workload with workload.tls too. reason: expired, revoked (or on the denylist), untrusted (its root is gone, or a revocation list is out of date), max-age, own-svid-replaced, empty-records (a flood of TLS records without content, such as key updates), http2-violation (frames that HTTP/2 does not allow, or too many that ask for nothing).',
  ),
  auditRecords: metric('counter', 'portcullis_audit_records_total', [], 'Audit records written.'),
  auditLost: metric(
    'counter',
    'portcullis_audit_lost_total',
    [],
    'Audit records that could not be written. With audit mode required their requests were refused.',
  ),
  auditLag: metric(
    'gauge',
    'portcullis_audit_lag_seconds',
    ['thread'],
    'Age of the oldest audit record that is not yet written.',
  ),
  auditDiskUsed: metric(
    'gauge',
    'portcullis_audit_disk_used_ratio',
    [],
    'How much of the disk below `audit.folder` is used, from 0 to 1; `audit.degraded` tells of 0.75.',
  ),
  loopDelayP99: metric(
    'gauge',
    'portcullis_event_loop_delay_p99_seconds',
    ['thread'],
    'Event-loop delay since the last report, 99th percentile.',
  ),
  loopDelayMax: metric(
    'gauge',
    'portcullis_event_loop_delay_max_seconds',
    ['thread'],
    'Event-loop delay since the last report, longest.',
  ),
  policyCompared: metric(
    'counter',
    'portcullis_policy_compared_total',
    [],
    'Decisions that both engines made, with policy.engine verify.',
  ),
  policyDifferences: metric(
    'counter',
    'portcullis_policy_differences_total',
    [],
    'Decisions over which the engines differed. Any is an alarm: one of them is wrong.',
  ),
  policyCache: metric(
    'counter',
    'portcullis_policy_cache_total',
    ['outcome'],
    'Questions to the decision cache, where there is one. outcome: hit, miss.',
  ),
  userTokens: metric(
    'counter',
    'portcullis_user_tokens_total',
    ['outcome'],
    'Requests on routes with user. outcome: verified, remembered (its signature was verified before), refused, missing.',
  ),
  introspections: metric(
    'counter',
    'portcullis_introspections_total',
    ['outcome'],
    'Good tokens of issuers with introspection. outcome: active, inactive, unavailable (no clear answer, or too many calls under way), remembered (needed no call of its own).',
  ),
  callerTokens: metric(
    'counter',
    'portcullis_caller_tokens_total',
    ['outcome'],
    'JWT-SVIDs, where there are load_balancers. outcome: verified, remembered (its signature was verified before), refused, missing, unexpected (the header from another peer).',
  ),
  threads: metric('gauge', 'portcullis_threads', [], 'Data threads that serve.'),
  threadReplacements: metric(
    'counter',
    'portcullis_thread_replacements_total',
    ['reason'],
    'Data threads that were replaced. reason: stalled, deadline, crashed.',
  ),
  svidExpiry: metric(
    'gauge',
    'portcullis_svid_expiry_timestamp_seconds',
    [],
    "End of validity of the proxy's own SVID, seconds since the epoch.",
  ),
  identityRefreshes: metric(
    'counter',
    'portcullis_identity_refreshes_total',
    ['part', 'outcome'],
    'Renewals of our own SVID, and files with the trust bundle that were refused. part: svid, bundle; outcome: used, or refused (the old one stays).',
  ),
  fetches: metric(
    'counter',
    'portcullis_fetches_total',
    ['kind', 'outcome'],
    'Attempts to fetch what the configuration names by URL. kind: revocation-list, issuer-keys, federated-bundle; outcome: fetched, or failed (what there is stays).',
  ),
  revocationListEnd: metric(
    'gauge',
    'portcullis_revocation_list_expiry_timestamp_seconds',
    ['source'],
    'The first nextUpdate of the lists of `crls`, seconds since the epoch; 0 while none has come. From then on peers of that CA are refused.',
  ),
  snapshot: metric(
    'gauge',
    'portcullis_snapshot_info',
    ['digest', 'policy_revision'],
    'Always 1; the labels name the snapshot that judges new requests.',
  ),
  reloads: metric(
    'counter',
    'portcullis_reloads_total',
    ['outcome'],
    'Attempts to load a changed snapshot. outcome: loaded, rejected (the old one stays).',
  ),
  unsafeOptions: metric(
    'gauge',
    'portcullis_unsafe_option',
    ['option'],
    '1 for each unsafe option of the configuration that is switched on.',
  ),
  runtime: metric(
    'gauge',
    'portcullis_runtime_info',
    ['version', 'node', 'openssl'],
    'Always 1; the labels name the versions that run.',
  ),
  residentMemory: metric('gauge', 'process_resident_memory_bytes', [], 'Memory that the whole process occupies.'),
  cpu: metric('counter', 'process_cpu_seconds_total', [], 'Processor time of the whole process, user and system.'),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Upper bounds of the histogram, in seconds: from one fast filter to a slow workload. */
export const STAGE_BUCKETS_SECONDS: readonly number[] = Object.freeze([
  0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30,
]);

/** The text of `docs/metrics.md`; a test keeps the two equal. */
export function metricsReference(): string {
  const rows = Object.values<MetricDefinition>(METRICS).map(({ name, type, labels, help }) => {
    const names = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${names} | ${help} |`;
  });
  return [
    '# Metrics',
    '',
    'Prometheus text at `/metrics` on the admin address. Generated from `proxy/telemetry/definitions.ts`.',
    '',
    '- Label values come from the configuration or from closed lists; anything else is counted as `other`.',
    '- `thread` is the index of a data thread, or `main`.',
    `- Histogram buckets, in seconds: ${STAGE_BUCKETS_SECONDS.join(', ')}.`,
    '',
    '| name | type | labels | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
