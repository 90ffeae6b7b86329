/**
 * Every way the proxy itself can fail an operator. What a *request* can fail with is in `denial.ts`.
 * A code is stable: scripts and runbooks match on it, so one is added or retired, never renamed.
 */
export const PROXY_ERRORS = {
  'config-unreadable': {
    summary: 'the configuration file could not be read',
    remedy: 'name an existing, readable file with -c FILE',
  },
  'config-invalid': {
    summary: 'the configuration has problems',
    remedy: 'correct every problem listed, then try again; `portcullis check -c FILE` asks about the file of a proxy',
  },
  'config-needs-restart': {
    summary: 'a reload changed what only a restart can put into force',
    remedy: 'restart the proxy, or undo the change of the keys named',
  },
  'fetch-failed': {
    summary:
      'a revocation list, the keys of an issuer or the bundle of a trust domain could not be fetched; what was fetched before serves on until its end',
    remedy:
      'see that the URL named answers this machine; nothing needs to be restarted, it is tried again ever less often, at least every 5m',
  },
  'fetch-refused': {
    summary:
      'what a URL of the configuration leads to or sends is not acceptable: an address, a redirect, the size or the content',
    remedy:
      'name the final URL; put internal networks into `fetch.allow`, and a private CA of https into `fetch.ca`, or `ca` of a federation; look at what the URL sends',
  },
  'bundle-endpoint-certificate': {
    summary: 'the certificate and key of the bundle endpoint cannot be read, or do not belong together',
    remedy:
      'give both in PEM, the key not encrypted and readable by nobody else; the one in use stays until they are good',
  },
  'route-template-invalid': {
    summary: 'the path of a route is not a template',
    remedy: 'write literal segments, `{name}` for one segment, and `{name...}` at the end for all that follow',
  },
  'port-in-use': {
    summary: 'another process listens on the address',
    remedy: 'stop that process, or choose another port for the key named',
  },
  'port-privileged': {
    summary: 'this user may not listen on a port below 1024',
    remedy: 'choose a port from 1024 up, or grant CAP_NET_BIND_SERVICE',
  },
  'address-unavailable': {
    summary: 'the address to listen on does not belong to this machine, or its folder does not exist',
    remedy: 'choose an address of this machine, or create the folder of the socket',
  },
  'memory-unavailable': {
    summary: 'the memory that the limits ask for cannot be reserved',
    remedy:
      'lower `threads`, `limits.max_identities`, `limits.max_single_use_tokens` or the number of routes with a quota: the first two are multiplied, and so are the second and the last',
  },
  'runtime-below-floor': {
    summary: 'Node lacks known security fixes, and --strict-runtime refuses to run without them',
    remedy: 'install the version named, or start without --strict-runtime and accept the risk',
  },
  'runtime-weakened': {
    summary:
      'the environment or the command line of Node weakens TLS, opens the inspector, loosens a parser or writes memory to files',
    remedy:
      'unset what is named: in the environment (NODE_OPTIONS included), or on the command line of Node; SIGUSR1 opens no inspector where Node has --disable-sigusr1, as the launcher and the image give it',
  },
  'fips-not-in-force': {
    summary: '`profile: fips` restricts the cryptography, and at the start OpenSSL was seen not to obey it',
    remedy:
      'run a version of Node that this proxy is tested with; where crypto.getFips() is 1, see that the FIPS provider is loaded and no other',
  },
  'installation-altered': {
    summary:
      'the files of this program are not those that were signed, or the signature is not by the key that `installation` names',
    remedy:
      'do not run it: install the release again, by its digest, and find out who changed the files; after an upgrade sign its SHA256SUMS',
  },
  'audit-folder-locked': {
    summary: 'the audit folder is not ours to write to: another process holds it',
    remedy: 'stop the other process, or give each proxy its own audit.folder',
  },
  'audit-folder-unusable': {
    summary: 'the audit folder cannot be created, opened or written, is full, or other users may write to it',
    remedy: 'make audit.folder a folder on a writable volume that belongs to this user, mode 0700, with room on it',
  },
  'audit-stream-corrupt': {
    summary: 'the last record of an audit stream does not verify, so the chain cannot be continued',
    remedy:
      'run `portcullis audit verify FOLDER`, keep the stream’s folder as evidence, and move it away to begin a new chain',
  },
  'audit-unreadable': {
    summary: 'the audit trail to be read is not there or cannot be read',
    remedy: 'name a folder that a proxy has written (audit.folder), and run as a user who may read it',
  },
  'demo-folder-unusable': {
    summary: 'the demo cannot write its folder, .portcullis/demo below the current one',
    remedy: 'start `proxy/cli/portcullis demo` of this clone from a folder that you may write to and that has room',
  },
  'demo-port-in-use': {
    summary: 'another process listens on the port of the demo',
    remedy: 'stop that process, or choose another port: `npm start -- --port N` (0: any free one)',
  },
  'bench-result-unreadable': {
    summary: 'a result file of `portcullis bench` could not be read',
    remedy: 'name a file that `portcullis bench ... --json FILE` wrote, and run as a user who may read it',
  },
  'bench-result-invalid': {
    summary: 'a file is not a result of `portcullis bench`, is not whole, or is of another version of the format',
    remedy: 'measure again with this version: `portcullis bench ... --json FILE`, and wait for its end',
  },
  'bench-results-not-comparable': {
    summary: 'two result files do not tell of the same measurement, so a difference would mean nothing',
    remedy: 'measure both with the same command, options and subjects',
  },
  'bench-output-unwritable': {
    summary: 'a result or page of `portcullis bench` could not be written',
    remedy: 'name a file in an existing folder that you may write to and that has room',
  },
  'bench-folder-unusable': {
    summary: 'the folder for temporary files (TMPDIR, or /tmp without it) is missing, full or not writable',
    remedy: 'give this user a writable folder with room there',
  },
  'output-lost': {
    summary: 'what a command prints could not be written: the disk is full, or failed',
    remedy: 'make room where standard output goes, and run the command again; what is there is not whole',
  },
  'bench-input-unusable': {
    summary: 'the inputs to measure a policy with cannot be read, or never reach the policy',
    remedy:
      'give one JSON document, a JSON array or JSON lines: what the policy sees as `input`, or requests with the names of the options of `portcullis explain` (`portcullis bench policy --help`)',
  },
  'bench-recorded-unusable': {
    summary: 'what was named as recorded is empty, or no audit trail of this proxy',
    remedy:
      'name an audit folder that a proxy has written (audit.folder), or one .ndjson file of it, in which a policy was asked',
  },
  'bench-input-lacking': {
    summary:
      'the policy reads what the inputs do not have: an audit record has not all of a request, or a file has other documents than the policy sees',
    remedy:
      'measure with `--input FILE` and whole inputs: what the policy sees as `input`, or requests with the names of the options of `explain`',
  },
  'bench-peer-unusable': {
    summary: 'a program to compare with was named, and cannot be run or is another',
    remedy:
      'name an opa program that this user may run, or leave --with out: then the one on the PATH is taken, if any',
  },
  'bench-undecided': {
    summary: 'an engine could not decide one of the inputs, so there is no cost of a decision to measure',
    remedy: 'correct the input or the policy, or raise the limit that is named (policy.max_steps, policy.max_memory)',
  },
  'bench-credential-unusable': {
    summary: 'the certificate or key to measure a proxy with cannot be read, or is none',
    remedy: 'name PEM files of a certificate chain and its key that this user may read, or let one be issued with --id',
  },
  'bench-workload-absent': {
    summary: 'the workload of the configuration does not answer, so there is nothing to measure the proxy in front of',
    remedy: 'start the workload, or measure in front of the built-in one with `--workload builtin`',
  },
  'bench-workload-over-tls': {
    summary:
      'the workload of the configuration is reached over TLS, and what is measured beside the proxy is a connection in clear text',
    remedy:
      'measure in front of the built-in workload with `--workload builtin`; what `workload.tls` costs is then not in the figures',
  },
  'bench-request-refused': {
    summary: 'the proxy does not answer the request of a measurement as its workload does',
    remedy: 'choose a request and an identity that it lets through; `portcullis explain -c FILE` says what it decides',
  },
  'bench-target-lost': {
    summary: 'what was measured went away in the middle, so there are no figures',
    remedy: 'find out why it ended, or why it hung up, and measure again',
  },
  'bench-answers-differ': {
    summary: 'the two engines of this program decide one input differently, so that their speed cannot be compared',
    remedy:
      'compare the answers shown; docs/policy.md lists what OPA itself decides differently in Go and in WebAssembly; --engine measures one alone',
  },
} as const satisfies Readonly<Record<string, { readonly summary: string; readonly remedy: string }>>;

export type ProxyErrorCode = keyof typeof PROXY_ERRORS;

/** A mistake that an operator can correct; printed as `error[code]: message` and the remedy, never with a stack. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: ProxyErrorCode;
  readonly remedy: string;

  /** `message` says what happened, with the concrete file, address or name in it. */
  constructor(code: ProxyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.remedy = PROXY_ERRORS[code].remedy;
  }
}
