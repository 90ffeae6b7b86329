import { eitherOf, listOf } from './collections.ts';
import { duration, file, oneOf, pattern, share, spiffeId, trustDomain } from './scalars.ts';
import { defaulted, insteadOf, optional, required, section } from './section.ts';
import { spiffeEndpoint } from './spiffe-endpoint.ts';

const restart = 'restart';

const filesOptions = section(
  'identity.files',
  'An SVID that another program keeps in three PEM files, as cert-manager, Vault agent and spiffe-helper write them. The files are watched, ' +
    'through swapped links too. A new pair is used when it is the identity configured, belongs together and leads to a root of the bundle; ' +
    'else the one in use stays, and log, metric and audit say why. A new bundle takes effect at once, on open ' +
    'connections too.',
  {
    certificate: required(file('identity', 'a PEM file'), {
      doc: 'The SVID, with its intermediates behind it.',
      reload: restart,
    }),
    key: required(file('identity', 'a PEM file that only this user can read'), {
      doc: 'Its private key, not encrypted; mode 0600, or 0440 where it is mounted for our group (Kubernetes: `defaultMode: 0440`).',
      reload: restart,
    }),
    bundle: required(file('identity', 'a PEM file'), {
      doc: 'The roots of `trust_domain`, and nothing else: who may call, and what our own SVID must lead to.',
      reload: restart,
    }),
    overdue_at: defaulted(share, 0.8, {
      doc: 'Share of the life of the SVID after which a missing successor is warned of. Later than its writer renews.',
      reload: restart,
    }),
  },
);

const workloadApiOptions = section(
  'identity.workload_api',
  'An SVID that an agent of the SPIFFE Workload API, such as SPIRE, pushes over a socket of this machine. While it offers none that is good, the proxy ' +
    'waits: it is alive, and not ready. A new SVID is used when it is the identity configured, belongs to its key and leads to a root of its bundle; ' +
    'else the one in use stays, and log, metric and audit say why. It stays, until it ends, under an agent that dies or refuses us too. Whoever can put another socket in its place decides who this proxy is and whom it trusts.',
  {
    socket: defaulted(
      eitherOf(oneOf('environment'), (node) => node.kind === 'scalar' && node.source === 'environment', spiffeEndpoint),
      'environment',
      {
        doc: 'Where the agent listens; `environment` stands for the variable SPIFFE_ENDPOINT_SOCKET.',
        reload: restart,
      },
    ),
    hint: optional(pattern('a word of the agent, such as `internal`', /^[ -~]{1,1024}$/), {
      doc: 'Chooses among several SVIDs of `spiffe_id`; without it the first is taken.',
      reload: restart,
    }),
    federation: defaulted(listOf(trustDomain, { unique: true }), [], {
      doc:
        'Foreign trust domains whose workloads may connect: the agent brings their bundles, and a bundle of any other is left out. ' +
        'One that is no good, or no longer there, ends the trust in that domain.',
      reload: restart,
    }),
    overdue_at: defaulted(share, 0.8, {
      doc: 'Share of the life of the SVID after which a missing successor is warned of. Later than the agent renews.',
      reload: restart,
    }),
  },
);

const localCaKeys = ['svid_lifetime', 'key', 'passphrase_file'] as const;

function replaces(source: 'files' | 'workload_api') {
  const why = `is of the local CA, and \`${source}\` stands in its place`;
  return { svid_lifetime: why, key: why, passphrase_file: why };
}

const notBeside = `none of ${localCaKeys.map((key) => `\`${key}\``).join(', ')} stands beside it`;

const identitySection = section(
  'identity',
  'Who this proxy is, and the local CA, the files or the agent that say so.',
  {
    trust_domain: required(trustDomain, {
      doc: 'The trust domain of this proxy; its local CA signs for no other.',
      reload: restart,
    }),
    spiffe_id: required(spiffeId, { doc: "This proxy's own SPIFFE ID, inside `trust_domain`.", reload: restart }),
    state: defaulted(file('private-folder', 'a folder'), './state', {
      doc: 'Folder of the local CA, the keys it issues and compiled policies; created with mode 0700.',
      reload: restart,
    }),
    svid_lifetime: defaulted(duration('10s', '24h'), '1h', {
      doc: "Lifetime of the proxy's own certificate, renewed at half of it.",
      reload: restart,
    }),
    key: defaulted(oneOf('P-256', 'P-384'), 'P-256', { doc: 'Curve of the keys made from now on.', reload: restart }),
    passphrase_file: optional(file('secret', 'a file that only this user can read'), {
      doc: 'File whose first line encrypts the keys at rest; without it they are stored plain, with mode 0600.',
      reload: restart,
    }),
    files: optional(filesOptions, {
      doc: `Takes the SVID from files instead of the local CA; then ${notBeside}.`,
      reload: restart,
    }),
    workload_api: optional(workloadApiOptions, {
      doc: `Takes the SVID from an agent instead of the local CA; then ${notBeside}.`,
      reload: restart,
    }),
  },
);

export const identityOptions = insteadOf(insteadOf(identitySection, 'files', replaces('files')), 'workload_api', {
  ...replaces('workload_api'),
  files: 'is another source of the SVID, and `workload_api` stands in its place',
});
