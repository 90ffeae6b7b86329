import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { refuseWeakenedRuntime } from '../../../proxy/cli/weakened-runtime.ts';

const main = fileURLToPath(new URL('../../../proxy/main.ts', import.meta.url));
const options = [
  '--tls-keylog=/tmp/keys',
  '--trace-tls',
  '--insecure-http-parser',
  '--inspect',
  '--inspect-brk=0.0.0.0:9229',
  '--inspect-wait',
  '--inspect-port=1',
  '--openssl-config=/tmp/openssl.cnf',
  '--openssl-shared-config',
  '--openssl-legacy-provider',
  '--tls-min-v1.0',
  '--tls-max-v1.2',
  '--tls-cipher-list=ALL',
  '--use-openssl-ca',
  '--use-system-ca',
  '--heapsnapshot-signal=SIGUSR2',
  '--heapsnapshot-near-heap-limit=1',
  '--heap-prof',
  '--abort-on-uncaught-exception',
  '--security-revert=CVE-2023-46809',
  '--unhandled-rejections=warn',
  '--experimental-config-file=/tmp/node.config.json',
  '--experimental-default-config-file',
  // Node reads `_` as `-`.
  '--tls_min_v1.0',
];

for (const option of options) {
  const name = option.replace(/=.*/, '').replaceAll('_', '-');
  test(`${option} is refused, in NODE_OPTIONS and on the command line`, async (t) => {
    const refused = { code: 'runtime-weakened', message: name };
    t.throws(() => refuseWeakenedRuntime({ NODE_OPTIONS: `--enable-source-maps  ${option}` }, []), refused);
    t.throws(() => refuseWeakenedRuntime({ NODE_OPTIONS: `"${option}"` }, []), refused);
    t.throws(() => refuseWeakenedRuntime({}, ['--enable-source-maps', option]), refused);
  });
}

test('what makes TLS blind or readable by others in the environment is refused, all of it at once', async (t) => {
  const env = {
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    SSLKEYLOGFILE: '/tmp/keys',
    OPENSSL_CONF: '/tmp/openssl.cnf',
    OPENSSL_MODULES: '/tmp',
    OPENSSL_ENGINES: '/tmp',
    NODE_DEBUG: 'stream',
  };
  t.throws(() => refuseWeakenedRuntime(env, ['--trace-tls']), {
    code: 'runtime-weakened',
    message:
      /NODE_TLS_REJECT_UNAUTHORIZED=0, SSLKEYLOGFILE, OPENSSL_CONF, OPENSSL_MODULES, OPENSSL_ENGINES, NODE_DEBUG, --trace-tls$/,
  });
});

test('what weakens nothing is let be', async (t) => {
  const env = {
    NODE_TLS_REJECT_UNAUTHORIZED: '1',
    SSLKEYLOGFILE: '',
    OPENSSL_CONF: '',
    NODE_USE_SYSTEM_CA: '1',
    NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt',
    NODE_OPTIONS: '--max-old-space-size=512 "--import=file:///loader --inspector.mjs" --enable-source-maps',
  };
  t.doesNotThrow(() => refuseWeakenedRuntime(env, ['--no-addons', '--max-old-space-size=512']));
});

test('run refuses before it reads anything, and says what to do', async (t) => {
  const run = (env: Readonly<Record<string, string>>, ...words: readonly string[]) =>
    spawnSync(process.execPath, [...words, main, 'run', '-c', 'none.yaml'], {
      cwd: t.testdirName,
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
  t.testdir();
  for (const { status, stderr } of [
    run({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
    run({ SSLKEYLOGFILE: '/dev/null' }),
    run({ NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --insecure-http-parser` }),
    run({}, '--insecure-http-parser'),
  ]) {
    t.equal(status, 3, stderr);
    t.match(stderr, /error\[runtime-weakened\]: this proxy does not run with .*\n {2}unset what is named/);
  }
  const opened = run({}, '--import', 'data:text/javascript,import { open } from "node:inspector"; open(0)');
  t.equal(opened.status, 3, opened.stderr);
  t.match(opened.stderr, /error\[runtime-weakened\]: this proxy does not run with an open inspector\n/);
  const { status, stderr } = run({ NODE_EXTRA_CA_CERTS: '/dev/null' });
  t.equal(status, 3);
  t.match(stderr, /error\[config-invalid\]/);
});
