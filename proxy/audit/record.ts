import { type EventOf, choice, flag, group, number, required, target, text } from './field.ts';

/**
 * What a record says, in the terms of NIST SP 800-53 AU-3: what, when, where, source, outcome, identities. Field names
 * are those of the line on disk. A string that came off the wire holds one character per byte (latin1), so that any
 * byte sequence, valid UTF-8 or not, can be read back exactly.
 */

/** Written by the stream itself, on every record. */
export const envelopeFields = {
  v: required(number('Version of this format; 1.')),
  seq: required(number('Number of the record in its stream, from 1, without a gap, across files and restarts.')),
  stream: required(text('The stream: one per data thread, and `control`.', 64)),
  prev: required(text('`hash` of the record before it, in whatever file that is; 64 zeros in the first record.', 80)),
  ts: required(text('When the record was made: RFC 3339, UTC, milliseconds. An exchange began `dur_us` earlier.', 30)),
  mono_ns: required(
    text('The same moment on the monotonic clock, as digits: order and distance survive clock steps.', 24),
  ),
  node: required(text('Name of the host or pod.', 256)),
  workload: required(text('SPIFFE ID of this proxy, which stands for its workload.', 2048)),
  hash: required(
    text('SHA-256 of the bytes of this line before `,"hash"`. Always the last field; `prev` of the next record.', 80),
  ),
};

/** Added by the encoder where it had to leave something out. */
export const noteFields = {
  masked: number('How many credentials in the target or authority were replaced with `***`.'),
  cut: text('Over-long fields, each with its name, its full length in bytes and the SHA-256 of the whole value.', 5632),
};

const peer = group('Who asks: the client certificate, from the DER that was verified.', {
  spiffe: text('SPIFFE ID, the only URI SAN.', 2048),
  serial: text('Serial number, hex.', 64),
  fp_sha256: text('SHA-256 of the certificate, hex.', 80),
  issuer: text('Distinguished name of the issuer.', 1024),
  not_after: text('End of its validity, RFC 3339.', 64),
});

const endpoint = { ip: text('IP address.', 64), port: number('TCP port.') };

const tls = group('The connection.', {
  version: text('Protocol version.', 64),
  cipher: text('Cipher suite.', 64),
  group: text('Key agreement group, such as X25519MLKEM768; named as in the IANA registry.', 64),
  alpn: text('Protocol by ALPN: `h2` or `http/1.1`; missing where the client offered none, which is HTTP/1.1.', 40),
  resumed: flag('Whether a session was resumed; this proxy never lets one be.'),
});

const source = group('The remote end of the TCP connection.', endpoint);
const listener = text('Name of the listener that took it.', 64);
const detail = text('One sentence for the operator; never a value of the request.', 2048);

const workloadFields = {
  ...endpoint,
  path: text('Path of the unix socket.', 256),
  spiffe: text('SPIFFE ID that the workload has proved, where it is reached over TLS (`workload.tls`).', 256),
};

/** One request and its answer. */
export const exchangeFields = {
  id: required(text('Request id; also in the answer and in the access log.', 64)),
  dur_us: required(number('From the first byte of the request to this record, microseconds.')),
  status: number('Status sent to the client; missing when none could be sent.'),
  detail,
  pointer: text('JSON pointer of the offending part of the body or the parameters.', 1024),
  rule: text('Rule of the policy that decided.', 256),
  metadata: text('What the policy gave as `dynamic_metadata`, as JSON; the policy answers for its content.', 2048),
  policy: group('The policy it was judged by.', {
    revision: text('Revision of the policy bundle.', 128),
  }),
  snapshot: text('Digest of everything it was judged by: configuration, policy, schemas, trust.', 128),
  schema: text('Digest of the schema it was held against.', 128),
  listener,
  route: text('Name of the route.', 256),
  src: source,
  dst: group('The workload address it was forwarded to; missing when nothing was sent there.', workloadFields),
  peer,
  caller: group(
    'Who asked, where `peer` is a load balancer: the subject of the JWT-SVID that it presented, once it was verified; it may have been refused all the same. Never the token.',
    {
      spiffe: text('SPIFFE ID: `sub`.', 2048),
      jti: text('`jti`, where it has one.', 512),
      not_after: text('When it ends: `exp`.', 64),
    },
  ),
  user: group(
    'The end user on whose behalf the peer asks, from a token that was verified, and may have been refused all the same: expired, for another audience, used before; never the token.',
    {
      iss: text('`iss`.', 256),
      sub: text('`sub`.', 512),
      jti: text('`jti`: which token it was, as its issuer knows it.', 512),
      realm: choice('What the configuration says of the issuer.', ['internal', 'federated', 'external']),
      jkt: text(
        'Thumbprint of the key that the token is bound to (`cnf.jkt`, RFC 9449); in a record that allows, the client has proved to hold it.',
        64,
      ),
    },
  ),
  object: group('What is asked for.', {
    service: text('The service: the SPIFFE ID of the workload asked, or a name.', 2048),
    method: text('Method, as received.', 128),
    target: target(
      'Target, byte for byte as judged, and as forwarded unless `sent_target` is there; only credentials are masked, see below.',
      32_768,
    ),
    sent_target: target('Target as it was forwarded, where the policy rewrote its query.', 4096),
    path_template: text('Path of the route, with its parameters unfilled.', 1024),
    authority: target('Host, as received.', 1024),
  }),
  trace_id: text('From a valid `traceparent`.', 64),
  bytes_in: number('Body bytes received from the client.'),
  bytes_out: number('Body bytes sent to the client.'),
  aborted: choice('Which end broke off before the answer was complete.', ['client', 'workload', 'proxy']),
  tls,
  limits: group('Rate limit of this identity on this route, after this request.', {
    remaining: number('Requests left at this moment.'),
    reset_ms: number('Until the quota is full again, milliseconds.'),
  }),
};

/** One TLS handshake. */
export const handshakeFields = {
  id: required(text('Connection id.', 64)),
  dur_us: required(
    number('From accept to this record, microseconds: of a handshake, or of all that the connection lasted.'),
  ),
  detail,
  listener,
  src: source,
  dst: group(
    'Of a connection that we opened, to the workload; `src` and `listener` are missing then, and `peer` is the workload.',
    workloadFields,
  ),
  peer,
  tls,
  snapshot: text('Digest of the snapshot whose trust bundle was used.', 128),
};

/** Something the proxy did, or that was done to it. */
export const controlFields = {
  detail,
  actor: text('Who did it: SPIFFE ID, user or address; missing when the proxy did it itself.', 2048),
  command: text('The full command or admin call (AU-12).', 2048),
  file: text('File concerned.', 4096),
  policy: group('The policy concerned.', {
    revision: text('Revision of the policy bundle.', 128),
    name: text('What the manifest of the bundle calls it.', 256),
  }),
  request: text('Request id of the exchange concerned.', 64),
  snapshot: text('Digest of the snapshot concerned.', 128),
  previous_snapshot: text('Digest of the snapshot it replaced.', 128),
  certificate: group('The certificate concerned.', {
    spiffe: text('SPIFFE ID.', 2048),
    serial: text('Serial number, hex.', 64),
    fp_sha256: text('SHA-256 of the certificate, hex.', 80),
    not_after: text('End of its validity, RFC 3339.', 64),
  }),
  token: group('The JWT-SVID concerned; never the token itself.', {
    sub: text('`sub`: the SPIFFE ID.', 2048),
    jti: text('`jti`: which token it is.', 64),
    aud: text('`aud`, with a blank between several.', 1024),
    not_after: text('`exp`, RFC 3339.', 64),
  }),
  thread: number('Data thread concerned.'),
  pid: number('Process id.'),
  version: text('Version of this proxy.', 64),
  exit_code: number('Exit code of the process.'),
  segment: number('Number of the segment file concerned.'),
  bytes_cut: number('Bytes of a half-written last line that were cut off.'),
  last_seq: number('Last whole record found.'),
  lost: number('Records that could not be written, summed up here.'),
  refused: number('Of those, how many were refused before anything was forwarded.'),
  step_ms: number('How far the wall clock jumped against the monotonic clock, milliseconds.'),
};

type Exchange = EventOf<typeof exchangeFields>;
type Handshake = EventOf<typeof handshakeFields>;
type Control = EventOf<typeof controlFields>;

export type { Control as ControlFacts, Exchange as ExchangeFacts, Handshake as HandshakeFacts };
