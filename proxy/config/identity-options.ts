import { duration, file, oneOf, share, spiffeId, trustDomain } from './scalars.ts';
import { defaulted, insteadOf, optional, required, section } from './section.ts';

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

const localCaKeys = ['svid_lifetime', 'key', 'passphrase_file'] as const;

export const identityOptions = insteadOf(
  section('identity', 'Who this proxy is, and the local CA or the files that say so.', {
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
      doc: `Takes the SVID from files instead of the local CA; then none of ${localCaKeys.map((key) => `\`${key}\``).join(', ')} stands beside it.`,
      reload: restart,
    }),
  }),
  'files',
  localCaKeys,
  'is of the local CA, and `files` stands in its place',
);
