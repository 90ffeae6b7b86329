import { ProxyError } from '../errors.ts';

/**
 * Options of Node that log TLS secrets, open the inspector, write the memory with its keys to a file, loosen the HTTP parser,
 * change what TLS accepts and which roots Node trusts by itself, take a security fix back, or let the process go on after a
 * failure that nobody handled. A configuration file of Node can say all of that unseen.
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
  /^--security-revert$/,
  /^--unhandled-rejections$/,
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
 * NODE_EXTRA_CA_CERTS and NODE_USE_SYSTEM_CA are not refused, because whole images and machines set them for other programs:
 * see `keepRootsOfNode`.
 * Throws ProxyError.
 */
export function refuseWeakenedRuntime(
  env: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[],
  inspectorUrl?: string,
): void {
  const found = [
    ...(env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0' ? ['NODE_TLS_REJECT_UNAUTHORIZED=0'] : []),
    ...weakeningVariables.filter((name) => env[name]),
    ...weakeningOptions(words(env['NODE_OPTIONS'] ?? '')).map((option) => `NODE_OPTIONS=${option}`),
    ...weakeningOptions(execArgv),
    // SIGUSR1 opens one before there is a listener for it, where Node was started without --disable-sigusr1.
    ...(inspectorUrl === undefined ? [] : ['an open inspector']),
  ];
  if (found.length > 0) throw new ProxyError('runtime-weakened', `this proxy does not run with ${found.join(', ')}`);
}

/**
 * Listener and peers name their roots (`proxy/data/tls-options.ts`). What is fetched asks those that Node brings along where the
 * configuration names none, and to these the environment may have added: they are taken out again. The launcher drops the
 * variables before Node reads them; an image starts without it.
 * @returns a warning where there was something to take out
 */
export function keepRootsOfNode(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const adding = ['NODE_EXTRA_CA_CERTS', 'NODE_USE_SYSTEM_CA'].filter((name) => env[name]);
  if (adding.length === 0) return undefined;
  const { getCACertificates, setDefaultCACertificates } = process.getBuiltinModule('node:tls');
  setDefaultCACertificates(getCACertificates('bundled'));
  return `${adding.join(' and ')} adds no roots here: the configuration names them (fetch.ca, federation[].ca)`;
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
