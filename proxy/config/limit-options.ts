import { duration, integer, size } from './scalars.ts';
import { defaulted, optional, section } from './section.ts';

const live = 'live';
const restart = 'restart';
const whole = (to: number) => integer(1, to);

/** Node's own defaults let one slow or greedy peer starve the rest, so every limit is set (THREATS: slowloris, floods). */
export const limitOptions = section('limits', 'What one peer, and all of them together, may take of this proxy.', {
  handshake: defaulted(duration('100ms', '1m'), '5s', {
    doc: 'From accepting a connection to the end of its TLS handshake.',
    reload: restart,
  }),
  head: defaulted(duration('100ms', '5m'), '10s', {
    doc: 'From the first byte of a request to the end of its head.',
    reload: live,
  }),
  body_idle: optional(duration('100ms', '10m'), {
    doc: 'Longest silence inside a request body; at most `body`. Default 10s, or `body` when that is less.',
    reload: live,
  }),
  body: defaulted(duration('100ms', '1h'), '60s', { doc: 'Longest a request body may take as a whole.', reload: live }),
  keep_alive: defaulted(duration('100ms', '10m'), '5s', {
    doc: 'Longest a connection may idle between two requests. Behind a load balancer choose more than its own limit.',
    reload: live,
  }),
  write_idle: defaulted(duration('100ms', '10m'), '10s', {
    doc: 'Longest a client may refuse to read its response.',
    reload: live,
  }),
  max_head: defaulted(size('1KiB', '256KiB'), '16KiB', {
    doc: 'Request line and header fields together; more is answered with 431.',
    reload: live,
  }),
  max_headers: defaulted(whole(1000), 100, {
    doc: 'Header fields in one request; more is answered with 431.',
    reload: live,
  }),
  max_connections: defaulted(whole(1_000_000), 12_000, {
    doc: 'Open connections in total. Fewer where the process may not open so many files (`ulimit -n`): some stay free for probes, reloads and the workload, and the log has `descriptors`.',
    reload: restart,
  }),
  max_connections_per_identity: optional(whole(1_000_000), {
    doc: 'Open connections of one SPIFFE ID; at most `max_connections`. Default 2000, or that when it is less.',
    reload: live,
  }),
  max_connection_age: defaulted(duration('1s', '24h'), '1h', {
    doc: 'After so long, or up to a tenth earlier so that not all return at once, an idle connection is closed and a busy one after its answer. It never ends later than the certificate it was opened with, which cuts answers under way too.',
    reload: live,
  }),
  drain_after_rotation: defaulted(duration('2s', '24h'), '1h', {
    doc: 'Once our own SVID has been replaced, connections opened under the old one are closed, spread evenly over this time or over what the old SVID has left of its own, whichever is less: an idle one at once, a busy one after its answer. The end of the old SVID cuts answers under way too.',
    reload: live,
  }),
  max_requests_per_connection: defaulted(whole(1_000_000), 1000, {
    doc: 'After so many the connection is closed, so that load and new certificates spread.',
    reload: live,
  }),
  max_in_flight: defaulted(whole(1_000_000), 4000, {
    doc: 'Requests worked on at once in total; more is answered with 503.',
    reload: live,
  }),
  max_in_flight_per_identity: optional(whole(1_000_000), {
    doc: 'Requests of one SPIFFE ID worked on at once, more is answered with 429; at most `max_in_flight`. Default 1000, or that when it is less. With less than `workload.max_connections` one peer whose requests are slow leaves connections to the workload for others.',
    reload: live,
  }),
  max_held: defaulted(size('1MiB', '1024GiB'), '256MiB', {
    doc: 'Bytes of bodies and responses held at once to be validated whole, over all data threads; more is answered with 503.',
    reload: live,
  }),
  max_identities: defaulted(integer(16, 10_000_000), 100_000, {
    doc: 'Peer identities the rate limiter can tell apart at once; memory for them is reserved at start.',
    reload: restart,
  }),
  max_single_use_tokens: defaulted(integer(16, 10_000_000), 262_144, {
    doc:
      'Used tokens of routes with `user.single_use` and used DPoP proofs that are remembered at once; beyond it they are refused with 503. Each counts until no configuration could take it any more: a token ' +
      'until 2m after its `exp`, at most 24h and 2m after its `iat`, also where `max_token_age` is less; a proof until 5m after its `iat`. So it takes 300 places for each proof in a second: the default is ' +
      'enough for 870 in a second. 64 bytes for each are reserved at start, and taken up only as places are used.',
    reload: restart,
  }),
  stall: defaulted(duration('100ms', '1m'), '1s', {
    doc: 'A data thread whose event loop stops for longer is replaced, and if policy held it, that revision is marked bad. To judge a body it has half a second more for each MiB.',
    reload: restart,
  }),
});
