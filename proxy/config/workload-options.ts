import { address } from './address.ts';
import { listOf } from './collections.ts';
import { headerName } from './http-names.ts';
import { boolean, duration, integer, size, spiffeId } from './scalars.ts';
import { defaulted, optional, required, section } from './section.ts';

const live = 'live';

const whoItMayBe = {
  spiffe_ids: required(listOf(spiffeId, { atLeast: 1, unique: true }), {
    doc: 'Who may answer there: one of these SPIFFE IDs, of our own trust domain or of one whose bundle we have (`federation`, `identity.workload_api.federation`).',
    reload: live,
  }),
};

const standbyTlsOptions = section('workload.standby.tls', 'As `workload.tls`, of the standby.', whoItMayBe);

const workloadTlsOptions = section(
  'workload.tls',
  'Mutual TLS 1.3 to the workload, on whatever address it listens, a unix socket too. It is judged as a client is (roots of its trust domain, rules of an SVID, validity, `crls`, `denylist`), ' +
    'and nothing of a request is sent before that; no name is sent or compared (SNI, DNS). One that fails is a 502 `upstream-unverified`. We show our own SVID, which the workload has to ask ' +
    'for and to judge: whoever comes past this proxy only it can refuse. Connections end with the identities that they rest on; see [remote-workload.md](remote-workload.md).',
  whoItMayBe,
);

const breakerOptions = section(
  'workload.breaker',
  'Each data thread counts by itself. A failure is a connection that cannot be had or is not the workload (`tls`), and one that breaks off or brings no answer in time although the workload had the ' +
    'whole request, of which no body is streamed, and at least half of the `timeout` of the route. The head of an answer is no failure, whatever its status, nor is a request ' +
    'that fails while others are answered. While nobody else is, who may ask for something that outlasts the `timeout` of its route, or that makes the workload drop the connection, can open it.',
  {
    failures: defaulted(integer(1, 1000), 5, {
      doc: 'After so many failures in a row the workload is not asked any more: a 503 `breaker-open` with `Retry-After`, for what policy has allowed.',
      reload: live,
    }),
    open_for: defaulted(duration('100ms', '10m'), '5s', {
      doc: 'After this time one request is let through, and each time that it has passed again another: an answer lets all others follow, a failure begins this time anew. One whose client left or sends slowly says neither, and another may follow 100 ms later.',
      reload: live,
    }),
  },
);

const standbyOptions = section(
  'workload.standby',
  'Another instance of the same service, asked while `workload.breaker` is open and left again as soon as that closes. It has a breaker of its own; when both are open the answer is a 503. ' +
    'No request is sent twice: those that opened the breaker have failed. Everything else is as in `workload`, and what holds for its address holds for this one.',
  {
    address: required(address(), {
      doc: 'Where it listens; loopback or a unix socket, with `tls` any address.',
      reload: live,
    }),
    tls: optional(standbyTlsOptions, {
      doc: 'Reaches it over mutual TLS, with the SPIFFE IDs that are expected of it; what `workload.tls` says is of the other.',
      reload: live,
    }),
  },
);

export const workloadOptions = section('workload', 'The one service behind this proxy.', {
  address: required(address(), {
    doc: 'Where the workload listens; loopback or a unix socket, so that nothing else can reach it or read along. With `tls` any address.',
    reload: live,
  }),
  tls: optional(workloadTlsOptions, {
    doc: 'Reaches the workload over mutual TLS; without it in clear text.',
    reload: live,
  }),
  breaker: optional(breakerOptions, {
    doc: 'Stops asking a workload that does not answer (circuit breaker); `{}` for the defaults. Without it each request waits for itself.',
    reload: live,
  }),
  standby: optional(standbyOptions, {
    doc: 'Who is asked in place of a workload that does not answer (failover); needs `breaker`.',
    reload: live,
  }),
  connect_timeout: defaulted(duration('10ms', '1m'), '1s', {
    doc: 'Longest wait for a connection, with its TLS handshake.',
    reload: live,
  }),
  headers_timeout: defaulted(duration('10ms', '1h'), '30s', {
    doc: 'Longest wait for the head of a response.',
    reload: live,
  }),
  body_timeout: defaulted(duration('10ms', '1h'), '30s', {
    doc: 'Longest silence between two chunks of a response body.',
    reload: live,
  }),
  max_response: defaulted(size('1B', '64GiB'), '64MiB', {
    doc: 'The largest response body; a longer one is cut, and the connection to the client with it.',
    reload: live,
  }),
  max_connections: defaulted(integer(1, 65_535), 256, {
    doc: 'Connections to the workload from each data thread.',
    reload: live,
  }),
  max_requests_per_connection: optional(integer(1, 1_000_000), {
    doc:
      'Requests over one connection to the workload; the last of them says so. With 1, no byte that a workload sends too much can be taken for the ' +
      'answer to the request of somebody else: for one that is not trusted. Without this key there is no limit.',
    reload: live,
  }),
  spiffe_id_header: defaulted(headerName, 'x-spiffe-id', {
    doc: "Header that tells the workload the peer's SPIFFE ID. What a client sends under this name is removed.",
    reload: live,
  }),
  client_cert_header: defaulted(headerName, 'x-forwarded-client-cert', {
    doc: "Header that describes the peer's certificate in Envoy's format. What a client sends under this name is removed.",
    reload: live,
  }),
  unsafe_close_delimited: defaulted(boolean, false, {
    doc: 'Accept response bodies that end with the connection, although nobody can see when one was cut short: a reset then looks like the end. Not with `tls`, which is there to rule that out: such an answer is a 502 there.',
    reload: live,
  }),
});
