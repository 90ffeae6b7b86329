/**
 * Every answer this proxy gives instead of the workload's is one of these rows. Three kinds stay apart everywhere, in
 * status, counter and audit: `denied` (policy or a limit said no), `undecided` (it could not be decided: fail closed)
 * and `invalid` (the request itself is bad); `failed` is the workload's trouble or our own.
 */
export type DenialKind = 'denied' | 'undecided' | 'invalid' | 'failed';

export type DenialRow = {
  readonly status: number;
  readonly kind: DenialKind;
  /** True where framing or trust is gone, so that no further byte of the connection may be read (RFC 9112 section 6.3). */
  readonly close: boolean;
  /** What the client reads. It never carries a value of the request, a rule or an address. */
  readonly title: string;
  /** For the operator, in the reference. */
  readonly meaning: string;
};

const row = (status: number, kind: DenialKind, close: boolean, title: string, meaning: string): DenialRow =>
  Object.freeze({ status, kind, close, title, meaning });

// biome-ignore format: a table reads as a table
export const denialCatalogue = {
  // The message itself (RFC 9112). Everything here closes the connection.
  'malformed-request-line': row(400, 'invalid', true, 'The request line is malformed.', 'The first line is not exactly METHOD SP TARGET SP HTTP/1.1 CR LF.'),
  'unsupported-version': row(505, 'invalid', true, 'Only HTTP/1.1 is served here.', 'HTTP/0.9, 1.0, 2.0 in clear text, RTSP and others are refused.'),
  'malformed-header': row(400, 'invalid', true, 'A header is malformed.', 'Field syntax of RFC 9110 section 5: token name, no space before the colon, no folding, bare CR or LF, NUL or byte outside ASCII.'),
  'head-too-large': row(431, 'invalid', true, 'The request head is too large.', 'More header bytes than limits.max_head.'),
  'too-many-headers': row(431, 'invalid', true, 'The request has too many headers.', 'More header lines than limits.max_headers.'),
  'ambiguous-framing': row(400, 'invalid', true, 'The body length is ambiguous.', 'Content-Length with Transfer-Encoding, twice, or not canonical digits; Transfer-Encoding other than exactly chunked (request smuggling).'),
  'malformed-chunk': row(400, 'invalid', true, 'A chunk is malformed.', 'Chunk size, extension, line end or trailer that is not allowed.'),
  'request-timeout': row(408, 'invalid', true, 'The request took too long to arrive.', 'Head or body slower than limits.head, limits.body_idle or limits.body; or a body to be validated came when the timeout of its route was over.'),
  'unsupported-expectation': row(417, 'invalid', true, 'That expectation is not supported.', 'Expect with anything but 100-continue.'),

  // What it asks for (RFC 9110, normalisation).
  'method-not-allowed': row(405, 'invalid', false, 'That method is not allowed here.', 'A method that no route on this path declares.'),
  'upgrade-not-allowed': row(501, 'invalid', true, 'Protocol upgrades are not allowed here.', 'The request asks for an upgrade, or for a tunnel with CONNECT.'),
  'ambiguous-target': row(400, 'invalid', true, 'The request target is ambiguous.', 'Not origin-form, or a path with dot segments, empty segments, encoded slashes, backslashes, semicolons, a fragment, or non-canonical percent-encoding; or the path of a route with a literal percent-encoded otherwise than in its template.'),
  'ambiguous-authority': row(400, 'invalid', true, 'The Host header is missing or ambiguous.', 'Not exactly one valid Host.'),
  'ambiguous-header': row(400, 'invalid', true, 'A header is given more than once or has an ambiguous name.', 'A singleton field other than Content-Type twice, or a name with an underscore.'),
  'misdirected-request': row(421, 'invalid', true, 'This server does not serve that host.', 'The TLS server name and the Host header disagree.'),
  'no-route': row(404, 'denied', false, 'Nothing is served here.', 'No route of the configuration matches the path; what is not declared is denied.'),

  // Who asks.
  'identity-expired': row(403, 'denied', true, 'The client certificate is no longer valid.', 'The SVID expired, or its trust ended, after the connection was opened.'),
  'identity-revoked': row(403, 'denied', true, 'The client certificate is no longer valid.', 'The SVID or its issuer was revoked, or put on the denylist, after the connection was opened.'),

  // Who asks through a load balancer (JWT-SVID).
  'caller-token-missing': row(403, 'denied', false, 'A JWT-SVID of the caller is required.', 'A request of a load balancer without the header, where `load_balancers.token` is required.'),
  'caller-token-unexpected': row(403, 'denied', false, 'A JWT-SVID is not taken from this client.', 'The header of `load_balancers` from a peer that is none of its `peers`: somebody tries to be somebody else.'),
  'caller-token-malformed': row(403, 'invalid', false, 'The JWT-SVID is malformed.', 'Given twice, too long, not base64url, not strict JSON, a header with crit, b64, enc, jwk, jku, x5u or x5c, another typ, or sub, aud or exp missing or of a wrong type.'),
  'caller-token-untrusted': row(403, 'denied', false, 'The JWT-SVID is not trusted.', 'Its trust domain is none of the configuration, its algorithm none of JWT-SVIDs (or not approved under `profile: fips`), or the signature is not by a key of that domain.'),
  'caller-token-untimely': row(403, 'denied', false, 'The JWT-SVID is not valid at this time.', 'exp has passed or lies further ahead than `load_balancers.max_lifetime`, or nbf or iat lies in the future.'),
  'caller-token-wrong-audience': row(403, 'denied', false, 'The JWT-SVID is not for this service.', 'None of aud is an audience of `load_balancers`.'),
  'caller-denylisted': row(403, 'denied', false, 'This caller is refused.', 'The denylist names the subject of the JWT-SVID; the connection is that of the load balancer and goes on.'),
  'caller-keys-unavailable': row(503, 'undecided', false, 'The JWT-SVID cannot be checked now.', 'The agent of our identity has not sent the JWT bundle of its trust domain.'),
  'caller-not-of-this-route': row(403, 'denied', false, 'Callers of that trust domain are not served here.', '`federated_routes` does not name this route for the foreign trust domain of the caller; the record says which.'),

  // On whose behalf (RFC 6750, RFC 9068, RFC 9449). The answers carry `WWW-Authenticate`.
  'user-token-missing': row(401, 'denied', false, 'A token of a user is required.', 'No Authorization header on a route whose user.token is required.'),
  'user-token-misplaced': row(400, 'invalid', false, 'A token of a user belongs into one Authorization header.', 'A parameter access_token in the query, on a route with user.'),
  'user-token-unsupported': row(401, 'invalid', false, 'That kind of credential is not supported.', 'A scheme other than Bearer and DPoP, an encrypted token, a header with crit, b64, jwk, jku, x5u or x5c, or a token bound to anything but a certificate or, where `dpop` of its issuer allows it, a DPoP key.'),
  'user-token-malformed': row(401, 'invalid', false, 'The token is malformed.', 'Too long, not base64url, not strict JSON (a member twice, depth), or iss, sub, aud, exp or iat missing or of a wrong type.'),
  'user-token-untrusted': row(401, 'denied', false, 'The token is not trusted.', 'Its issuer, its type, its algorithm or its key is none of the configuration, or the signature is not by that key.'),
  'user-token-expired': row(401, 'denied', false, 'The token has expired.', 'exp has passed, or the token is older than the max_token_age of its issuer.'),
  'user-token-not-yet-valid': row(401, 'denied', false, 'The token is not valid yet.', 'nbf or iat lies in the future by more than clock_tolerance.'),
  'user-token-wrong-audience': row(401, 'denied', false, 'The token is not for this service.', 'None of aud is an audience of the configuration.'),
  'user-token-not-bound': row(401, 'denied', false, 'The token is bound to another client.', 'Its cnf names another client certificate than the one of this connection (RFC 8705), or another key than that of the proof or, shown as DPoP, none (RFC 9449).'),
  'user-token-used': row(401, 'denied', false, 'The token has been used already.', 'A second use on a route with user.single_use.'),
  'user-token-revoked': row(401, 'denied', false, 'The token is no longer active.', 'A token that is good by itself, of which `introspection` of its issuer says that it is not active (RFC 7662).'),
  'user-proof-missing': row(401, 'denied', false, 'A proof of possession of the key of the token is required.', 'No DPoP header, a token bound to a DPoP key shown as Bearer, or one that is not bound where `dpop` of its issuer is `required` (RFC 9449).'),
  'user-proof-malformed': row(401, 'invalid', false, 'The proof of possession is malformed.', 'Too long, not base64url, not strict JSON, not of type dpop+jwt, a header with crit, b64, jku, x5u or x5c, no public jwk or one with private parts, or jti, htm, htu, iat or ath missing or of a wrong type.'),
  'user-proof-untrusted': row(401, 'denied', false, 'The proof of possession is not trusted.', 'Its algorithm is none of the configuration, its key is weak or not for that algorithm, or the signature is not by that key.'),
  'user-proof-of-another-request': row(401, 'denied', false, 'The proof of possession is for something else.', 'htm, htu or ath name another method, another host or path, or another token.'),
  'user-proof-untimely': row(401, 'denied', false, 'The proof of possession is not of this time.', 'iat is longer ago than `dpop.max_age` of the issuer, or lies in the future by more than clock_tolerance.'),
  'user-proof-used': row(401, 'denied', false, 'The proof of possession has been used already.', 'A second use of its jti: proofs are for one request each.'),
  'user-keys-unavailable': row(503, 'undecided', false, 'The token cannot be checked now.', 'The keys of its issuer could not be fetched yet, or are older than its max_key_age.'),
  'user-introspection-unavailable': row(503, 'undecided', false, 'It cannot be found out now whether the token is still active.', '`introspection` of its issuer gave no clear answer in time: not reached, another status than 200, no JSON, too large, a redirect, or an answer that contradicts the token; or too many calls are under way.'),
  'user-not-of-this-route': row(403, 'denied', false, 'Users of that issuer are not served here.', 'A good token of an issuer that user.issuers of the route does not name; rule names it.'),

  // How much.
  'too-many-requests': row(429, 'denied', false, 'Too many requests.', 'The quota of this identity on this route is used up.'),
  'too-many-in-flight': row(429, 'denied', false, 'Too many requests at once.', 'limits.max_in_flight_per_identity reached.'),
  'stream-refused': row(429, 'denied', false, 'Too many requests at once on this connection.', 'More than http2.max_streams over one HTTP/2 connection; the client is sent RST_STREAM with REFUSED_STREAM and may ask again, nobody reads this answer.'),
  overloaded: row(503, 'denied', false, 'The proxy is at its limit.', 'limits.max_in_flight or limits.max_held reached, or no room to track one more identity.'),

  // The content.
  'unexpected-body': row(400, 'invalid', true, 'This operation takes no body.', 'A body on a route that declares none.'),
  'body-too-large': row(413, 'invalid', true, 'The body is too large.', 'More than the route allows, by Content-Length or while it arrived.'),
  'unsupported-media-type': row(415, 'invalid', true, 'That content type or encoding is not accepted here.', 'Content-Type is missing, repeated or not exactly one declared type, or the body is content-encoded on a validated route.'),
  'malformed-json': row(400, 'invalid', false, 'The body is not acceptable JSON.', 'Syntax, duplicate keys, depth, unsafe numbers, bad UTF-8, byte order mark or lone surrogates.'),
  'schema-violation': row(422, 'invalid', false, 'The body does not match its schema.', 'JSON Schema says no; the audit record has the JSON pointer.'),
  'parameter-violation': row(400, 'invalid', false, 'A parameter does not match its schema.', 'Query or path parameters against their schema.'),

  // May it.
  forbidden: row(403, 'denied', false, 'Not allowed.', 'The policy decided against it. It may have given the answer a status, headers and a body of its own.'),
  'policy-undecided': row(503, 'undecided', false, 'It could not be decided whether this is allowed.', 'The policy was undefined, failed, gave a result of the wrong shape or one that asks for what a policy may not have, or its revision is marked bad.'),

  // The workload.
  'breaker-open': row(503, 'failed', false, 'The service behind the proxy does not answer at the moment.', 'It failed `workload.breaker.failures` times in a row and is not asked before `open_for` is over, then by one request first. Policy had allowed this one; nothing of it was sent.'),
  'upstream-unreachable': row(502, 'failed', false, 'The service behind the proxy cannot be reached.', 'Connect refused, reset or timed out before anything was sent.'),
  'upstream-unverified': row(502, 'failed', false, 'The service behind the proxy could not be verified.', 'With `workload.tls`: the TLS handshake failed, or showed another SPIFFE ID or a certificate that is not believed; nothing was sent then. Or that certificate expired, was revoked or lost its root during the exchange. `detail` names the reason, one of the refused handshakes below.'),
  'upstream-timeout': row(504, 'failed', true, 'The service behind the proxy did not answer in time.', 'No response head, or no further body, in time; or the timeout of the route was over before anything could be sent.'),
  'upstream-reset': row(502, 'failed', true, 'The service behind the proxy broke off.', 'The connection ended inside the exchange.'),
  'upstream-malformed': row(502, 'failed', true, 'The service behind the proxy answered garbage.', 'Not HTTP, an impossible status, ambiguous framing, or too many interim responses.'),
  'upstream-too-large': row(502, 'failed', true, 'The answer of the service behind the proxy is too large.', 'More than workload.max_response, or more than a validated response may have.'),
  'response-violation': row(502, 'failed', true, 'The answer of the service behind the proxy does not match its schema.', 'Response validation of the route.'),

  // Ourselves.
  'own-identity-expired': row(503, 'undecided', true, 'This proxy has no valid identity.', 'Its own SVID expired while the connection was open, and no new one has come; new handshakes are refused.'),
  'audit-unavailable': row(503, 'undecided', true, 'The request could not be recorded.', 'audit.mode is required and the record cannot be written.'),
  'internal-error': row(500, 'failed', true, 'The proxy failed.', 'A bug: an exception nobody expected. Counted apart and logged with its cause.'),
  'client-aborted': row(499, 'failed', true, 'The client went away.', 'The connection ended before the answer was complete; nobody reads this answer, only the record.'),
  'drain-timeout': row(503, 'failed', true, 'The proxy stopped.', 'Not finished within `drain` after the proxy was told to stop; nobody reads this answer, only the record.'),
} as const satisfies Record<string, DenialRow>;
