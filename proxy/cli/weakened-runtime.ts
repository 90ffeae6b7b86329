import { ProxyError } from '../errors.ts';

/** Options of Node that log TLS secrets, open the inspector, loosen the HTTP parser or change what TLS accepts. */
const weakening = [
  /^--tls-keylog$/,
  /^--trace-tls$/,
  /^--insecure-http-parser$/,
  /^--inspect(?:-|$)/,
  /^--openssl-(?:config|shared-config|legacy-provider)$/,
  /^--tls-(?:min|max)-/,
  /^--tls-cipher-list$/,
];

/**
 * What TLS promises here must not depend on what somebody left in the environment: the proxy starts without it or not at
 * all (THREATS.md section 2). NODE_EXTRA_CA_CERTS stays allowed: nothing here asks the roots that it adds to. Throws
 * ProxyError.
 */
export function refuseWeakenedRuntime(
  env: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[],
): void {
  const found = [
    ...(env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0' ? ['NODE_TLS_REJECT_UNAUTHORIZED=0'] : []),
    ...(env['SSLKEYLOGFILE'] ? ['SSLKEYLOGFILE'] : []),
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
