import { HOST_NAME, MAX_SOCKET_PATH_BYTES } from './address.ts';
import { auditOptions } from './audit-options.ts';
import { bundleEndpointOptions } from './bundle-endpoint-options.ts';
import { listOf } from './collections.ts';
import { federationOptions } from './federation-options.ts';
import { fetchOptions } from './fetch-options.ts';
import { duration, file, oneOf, pattern, spiffeId, trustDomain } from './scalars.ts';
import type { Values } from './section.ts';
import { defaulted, optional, required, section } from './section.ts';
import type { Parsed, Shape } from './shape.ts';
import { text } from './shape.ts';

const restart = 'restart';

const socketPath: Shape<string> = text('the path of a socket', { minLength: 1 }, (path, reading): Parsed<string> => {
  if (path === '' || path.includes('\0')) return { wrong: 'has no value' };
  if (path.startsWith('unix:')) return { wrong: 'is a path here', suggestion: path.slice('unix:'.length) };
  const absolute = reading.resolve(path);
  if (Buffer.byteLength(absolute) <= MAX_SOCKET_PATH_BYTES) return { value: absolute };
  return { wrong: `the path of the socket is longer than ${MAX_SOCKET_PATH_BYTES} bytes: ${absolute}` };
});

const svidOptions = (prefix: string) =>
  section(`${prefix}sockets[].svids[]`, 'One identity that the workload behind the socket may have.', {
    spiffe_id: required(spiffeId, { doc: 'Inside `trust_domain`.', reload: restart }),
    hint: optional(pattern('letters, digits, `.`, `_` and `-`, at most 64', /^[A-Za-z0-9._-]{1,64}$/), {
      doc: 'What the workload is told to tell its SVIDs apart by.',
      reload: restart,
    }),
    dns_names: defaulted(listOf(pattern('a host name', HOST_NAME), { unique: true }), [], {
      doc: 'Host names in the certificate, for clients that verify one; no rule of SPIFFE reads them.',
      reload: restart,
    }),
  });

const socketOptions = (prefix: string) =>
  section(
    `${prefix}sockets[]`,
    'One socket for each workload. **Whoever can open the socket is given its identities**: its folder is all the attestation there is. See docs/workload-api.md.',
    {
      path: required(socketPath, {
        doc:
          'The folder of the socket belongs to this user, or root, and lets in nobody else (mode 0700) or one group that may not write (0750); no ' +
          'other socket is in it or below it. It is created with mode 0700 when it is missing, and looked at again for each call.',
        reload: restart,
      }),
      svids: required(listOf(svidOptions(prefix)), {
        doc: 'The first is the default. With none, the socket tells whom to trust and no more.',
        reload: restart,
      }),
      federates_with: defaulted(listOf(trustDomain, { unique: true }), [], {
        doc:
          'Trust domains of `federation` whose bundles the workload is told, X.509 and JWT; with none, it is told its own alone. A bundle that has ended is ' +
          'told no more.',
        reload: restart,
      }),
    },
  );

/** What is handed out, in the file of `portcullis workload-api` and in the section of `run`, at `prefix`. */
function servedOptions(prefix: string) {
  return {
    svid_lifetime: defaulted(duration('10s', '24h'), '1h', {
      doc: 'Lifetime of the SVIDs. A successor is pushed at half of it, for as long as somebody listens.',
      reload: restart,
    }),
    jwt_svid_lifetime: defaulted(duration('10s', '1h'), '5m', {
      doc: 'Lifetime of JWT-SVIDs. They cannot be revoked, so it is how long a stolen one is good for.',
      reload: restart,
    }),
    sockets: required(listOf(socketOptions(prefix), { atLeast: 1 }), { doc: 'Who gets what.', reload: restart }),
    bundle_endpoint: optional(bundleEndpointOptions(prefix), {
      doc: 'Serves the bundle of the trust domain to other trust domains.',
      reload: restart,
    }),
  };
}

/** The section of `run`, whose local CA it is. */
export const servedWorkloadApiOptions = section(
  'workload_api',
  'Serves the SPIFFE Workload API from the local CA inside this process, instead of by `portcullis workload-api` beside it: for a machine with one proxy, or to ' +
    'try it. **The key of the CA is then asked to issue by the process that clients reach.** `profile: regulated` and `fips` refuse it. See docs/workload-api.md.',
  servedOptions('workload_api.'),
);

/** The option table of `portcullis workload-api`, which has a file of its own: it keeps the CA, and nothing else needs its key. */
export const workloadApiOptions = section('(top level)', 'The keys at the top of the file.', {
  trust_domain: required(trustDomain, { doc: 'The trust domain of the local CA.', reload: restart }),
  state: defaulted(file('private-folder', 'a folder'), './state', {
    doc: 'Folder of the local CA; created with mode 0700, and the CA with it.',
    reload: restart,
  }),
  key: defaulted(oneOf('P-256', 'P-384'), 'P-256', { doc: 'Curve of the keys made from now on.', reload: restart }),
  passphrase_file: optional(file('secret', 'a file that only this user can read'), {
    doc: "File whose first line encrypts the CA's keys at rest; without it they are stored plain, with mode 0600.",
    reload: restart,
  }),
  ...servedOptions(''),
  federation: defaulted(listOf(federationOptions(restart)), [], {
    doc: 'Foreign trust domains whose bundles are handed out, to the sockets whose `federates_with` names them.',
    reload: restart,
  }),
  fetch: defaulted(fetchOptions(restart), {}, { doc: 'How these bundles are fetched.', reload: restart }),
  audit: defaulted(auditOptions, {}, { doc: 'Where the evidence goes.', reload: restart }),
});

export type WorkloadApiSettings = Values<typeof workloadApiOptions.fields>;

export type ServedSettings = Values<typeof servedWorkloadApiOptions.fields>;
