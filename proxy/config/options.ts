import { address, tcpAddress } from './address.ts';
import { auditOptions } from './audit-options.ts';
import { eitherOf, isWord, listOf, mapOf } from './collections.ts';
import { federationOptions } from './federation-options.ts';
import { crlOptions, fetchOptions } from './fetch-options.ts';
import { http2Options } from './http2-options.ts';
import { identityOptions } from './identity-options.ts';
import { installationOptions } from './installation-options.ts';
import { issuerOptions } from './issuer-options.ts';
import { loadBalancerOptions } from './load-balancer-options.ts';
import { limitOptions } from './limit-options.ts';
import { policyOptions } from './policy-options.ts';
import { routeName, routeOptions } from './route-options.ts';
import { boolean, duration, file, integer, oneOf, spiffeId, trustDomain } from './scalars.ts';
import { defaulted, optional, orJust, required, section } from './section.ts';
import type { Values } from './section.ts';
import { servedWorkloadApiOptions } from './workload-api-options.ts';
import { workloadOptions } from './workload-options.ts';

/**
 * The option table: everything that can stand in a configuration file, once. The parser, the JSON Schema for editors and
 * docs/configuration.md all come from it. A key whose name begins with `unsafe_` is dangerous, off by default, and
 * listed in `Config.unsafe` when it is on.
 */
const live = 'live';
const restart = 'restart';

export const options = section('(top level)', 'The keys at the top of the file.', {
  identity: required(identityOptions, { doc: 'Who this proxy is.', reload: restart }),
  listen: required(tcpAddress({ anyPort: true }), {
    doc: 'Where clients connect: mutual TLS 1.3, nothing else. Port 0 lets the system choose.',
    reload: restart,
  }),
  http2: optional(http2Options, {
    doc: 'Serves HTTP/2 too; `{}` for the defaults. Without it HTTP/1.1 alone.',
    reload: restart,
  }),
  workload: required(orJust(workloadOptions, 'address'), {
    doc: 'The service behind it: its address alone, or a map.',
    reload: live,
  }),
  policy: required(policyOptions, { doc: 'Which Rego decides.', reload: live }),
  issuers: defaulted(listOf(issuerOptions), [], {
    doc: 'Who vouches for end users; `routes[].user` says where.',
    reload: live,
  }),
  load_balancers: optional(loadBalancerOptions, {
    doc: 'Who may present a JWT-SVID of the caller instead of being the caller.',
    reload: live,
  }),
  routes: required(listOf(routeOptions, { atLeast: 1 }), { doc: 'What may reach the workload at all.', reload: live }),
  limits: defaulted(limitOptions, {}, { doc: 'Time, size and number limits.', reload: live }),
  audit: defaulted(auditOptions, {}, { doc: 'Where the evidence goes.', reload: restart }),
  admin: defaulted(eitherOf(oneOf('off'), isWord('off'), address({ anyPort: true })), '127.0.0.1:9464', {
    doc: 'Where health, metrics and the snapshot are served, in clear text: loopback, a unix socket, or `off`.',
    reload: restart,
  }),
  explain_to: defaulted(listOf(spiffeId, { unique: true }), [], {
    doc: 'SPIFFE IDs whose denials say which rule refused; all others learn only the code.',
    reload: live,
  }),
  denylist: optional(file('denylist', 'a denylist'), {
    doc:
      'File of peers to refuse whatever their certificates say, one on a line: `spiffe-id ID`, `spiffe-prefix ID/` (whole segments), ' +
      '`serial HEX ISSUER` (both as audit records show them), `key-sha256 HEX` (of the public key as SPKI, in DER). Serials and keys of issuers ' +
      'count too. Behind ` # ` stands why, for the audit. A change ends open connections within a second, requests under way ' +
      'included. A file that cannot be read leaves the last good list in force. OCSP is not supported.',
    reload: live,
  }),
  crls: defaulted(listOf(crlOptions), [], {
    doc: 'Whose certificates are revoked, by the lists of their CAs.',
    reload: live,
  }),
  workload_api: optional(servedWorkloadApiOptions, {
    doc: 'Serves the SPIFFE Workload API from the local CA.',
    reload: restart,
  }),
  federation: defaulted(listOf(federationOptions(live)), [], {
    doc: 'Foreign trust domains whose workloads are believed, by the bundles of their endpoints or of files.',
    reload: live,
  }),
  federated_routes: optional(mapOf(trustDomain, listOf(routeName, { unique: true })), {
    doc:
      'Which routes callers of foreign trust domains may ask on, by names of `routes`: of `federation`, of `identity.workload_api.federation`, and those whose JWT-SVIDs a load ' +
      'balancer presents. A domain that is not named here reaches no route, and a new route is open to none of them; all others are refused with 403 ' +
      '`caller-not-of-this-route` before the policy is asked. It decides about the rest. Without this key the policy alone decides.',
    reload: live,
  }),
  fetch: defaulted(fetchOptions(live), {}, { doc: 'How lists, keys and bundles are fetched from URLs.', reload: live }),
  threads: defaulted(eitherOf(oneOf('auto'), isWord('auto'), integer(1, 256)), 1, {
    doc: 'Data threads; `auto` is one for each core granted.',
    reload: restart,
  }),
  drain: defaulted(duration('100ms', '1h'), '30s', {
    doc:
      'On SIGTERM, how long requests in flight may take to finish. A kept connection stays open for half a second, or a quarter of ' +
      'this, for a request that is on its way; each answer says that it is the last.',
    reload: restart,
  }),
  profile: defaulted(oneOf('standard', 'regulated', 'fips'), 'standard', {
    doc:
      '`regulated` refuses what else would be allowed: `audit.mode` other than `required`, any `unsafe_` key that is on, `workload_api`, and with ' +
      '`policy.engine: verify` a request over which the engines differ. `policy.strict` is true unless it is ' +
      'set. Nothing else changes. `fips` is `regulated` and has only approved cryptography: TLS 1.3 with AES-GCM, P-256 and P-384 (and ' +
      'TLS 1.2 with AES-GCM where we ask others), RSA from 2048 bits and ECDSA on P-256 and P-384 with SHA-2 in every certificate, SVID, ' +
      'handshake and token, no `crypto.*` and `io.jwt.*` in policies. It is tried at start. Whether the cryptographic module is a ' +
      'validated one is said in the log, by `portcullis check` and in the record `proc.start`. To or from `fips` is a restart.',
    reload: live,
  }),
  installation: optional(installationOptions, {
    doc: 'Who has signed the files of this program, which are then verified at start.',
    reload: restart,
  }),
  unsafe_remote_workload: defaulted(boolean, false, {
    doc: 'Allow a workload that is not on loopback without `workload.tls`: others can then reach it past this proxy, or read along.',
    reload: live,
  }),
  unsafe_remote_admin: defaulted(boolean, false, {
    doc: 'Allow `admin` to listen beyond loopback: anyone who reaches it reads the metrics and the snapshot.',
    reload: live,
  }),
});

/** A file without problems, with the file's own keys; `config-from-settings.ts` turns it into a Config. */
export type Settings = Values<typeof options.fields>;
