import { ProxyError } from '../errors.ts';

/**
 * Options of Node that log TLS secrets, open the inspector, write the memory with its keys to a file, loosen the HTTP parser,
 * or change what TLS accepts and which roots Node trusts by itself. A configuration file of Node can say all of that unseen.
 */
const weakening = [
  /^--tls-keylog$/,
  /^--trace-tls$/,
  /^--insecure-http-parser$/,
  /^--inspect(?:-|$)/,
  /^--openssl-(?:config|shared-config|legacy-provider)$/,
  /^--tls-(?:min|max)-/,
  /^--tls-cipher-list$/,
  /^--use-(?:openssl|system)-ca$/,
  /^--heapsnapshot-/,
  /^--heap-prof$/,
  /^--abort-on-uncaught-exception$/,
  /^--experimental-(?:default-)?config-file$/,
];

/**
 * Set by nobody by accident; each has the effect of an option above. `OPENSSL_CONF` is read by Node at its start. Under `NODE_DEBUG`
 * the streams of Node print what passes through them: requests, tokens, and the key that comes from an agent.
 */
const weakeningVariables = [
  'SSLKEYLOGFILE',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
  'OPENSSL_ENGINES',
  'NODE_DEBUG',
] as const;

/**
 * What TLS promises here must not depend on what somebody left in the environment: the proxy starts without it or not at
 * all (THREATS.md section 2).
 *
 * NODE_EXTRA_CA_CERTS and NODE_USE_SYSTEM_CA are not refused, because whole images and machines set them for other programs, and
 * they change one thing only: Node's default list of roots, which is asked where a TLS call names no `ca`. Nothing here
 * makes such a call: listener and peers name the trust bundle (`proxy/data/tls-options.ts`). The launcher takes them out of
 * the environment before Node reads them, so that a call that forgot its `ca` would not trust them either.
 * Throws ProxyError.
 */
export function refuseWeakenedRuntime(
  env: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[],
): void {
  const found = [
    ...(env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0' ? ['NODE_TLS_REJECT_UNAUTHORIZED=0'] : []),
    ...weakeningVariables.filter((name) => env[name]),
    ...weakeningOptions(words(env['NODE_OPTIONS'] ?? '')).map((option) => `NODE_OPTIONS=${option}`),
    ...weakeningOptions(execArgv),
  ];
  if (found.length > 0) throw new ProxyError('runtime-weakened', `this proxy does not run with ${found.join(', ')}`);
}

/** Node removes double quotes and backslashes wherever they stand in a word. */
function words(nodeOptions: string): readonly string[] {
  return nodeOptions.replaceAll(/["\\]/g, '').split(/\s+/);
}

/** Their names as Node knows them: to it `_` is `-`, and a value may follow behind `=`. */
function weakeningOptions(given: readonly string[]): readonly string[] {
  return given
    .map((word) => word.replace(/=.*$/s, '').replaceAll('_', '-'))
    .filter((option) => weakening.some((pattern) => pattern.test(option)));
}
