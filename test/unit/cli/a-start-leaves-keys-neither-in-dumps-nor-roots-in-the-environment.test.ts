import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { keepMemoryOutOfCoreDumps } from '../../../proxy/cli/core-dumps.ts';

const launcher = fileURLToPath(new URL('../../../proxy/cli/portcullis', import.meta.url));

test('the launcher drops what would add to the roots that Node trusts, and the limit of core dumps', async (t) => {
  const folder = t.testdir();
  for (const below of ['proxy/cli', 'node_modules/.bin', 'elsewhere'])
    mkdirSync(join(folder, below), { recursive: true });
  copyFileSync(launcher, join(folder, 'proxy/cli/portcullis'));
  const node = '#!/bin/sh\necho "core $(ulimit -c) $(ulimit -Hc)"\nenv\nfor word in "$@"; do echo "word $word"; done\n';
  writeFileSync(join(folder, 'node_modules/.bin/node'), node, { mode: 0o755 });
  symlinkSync('../proxy/cli/portcullis', join(folder, 'elsewhere/pc'));
  const dropped = ['NODE_EXTRA_CA_CERTS', 'NODE_USE_SYSTEM_CA', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];
  // What is refused has to reach Node, so that somebody says so.
  const kept = ['SSLKEYLOGFILE', 'NODE_TLS_REJECT_UNAUTHORIZED', 'OPENSSL_CONF'];
  const env = Object.fromEntries([...dropped, ...kept].map((name) => [name, '0']));
  const { stdout, stderr, status } = spawnSync(join(folder, 'elsewhere/pc'), ['run', 'a b'], {
    env: { ...env, PATH: process.env['PATH'] },
    encoding: 'utf8',
  });
  t.equal(status, 0, stderr);
  for (const name of dropped) t.notMatch(stdout, `${name}=`);
  for (const name of kept) t.match(stdout, `\n${name}=0\n`);
  t.match(stdout, /^core 0 0\n/);
  t.match(
    stdout,
    `word --disable-proto=delete\nword --disable-sigusr1\nword --no-addons\nword --expose-gc\nword ${join(folder, 'proxy/main.ts')}\nword run\nword a b\n`,
  );
  const image = readFileSync(new URL('../../../Dockerfile', import.meta.url), 'utf8');
  t.match(
    image,
    '\nENTRYPOINT ["/usr/local/bin/node", "--disable-proto=delete", "--disable-sigusr1", "--no-addons", "--expose-gc", "/portcullis/proxy/main.js"]\n',
  );
});

test('a process that may, says that none of its memory belongs into a dump; one that may not, warns', async (t) => {
  const limits = (soft: string) =>
    `Limit                     Soft Limit\nMax core file size        ${soft}        unlimited  bytes\n`;
  const allowed = t.testdir({ coredump_filter: '33', limits: limits('unlimited') });
  t.equal(keepMemoryOutOfCoreDumps(allowed), undefined);
  t.equal(readFileSync(join(allowed, 'coredump_filter'), 'utf8'), '0');
  const forbidden = (name: string, soft: string) => {
    const folder = join(allowed, name);
    // A folder by that name: nobody can write it, root neither.
    mkdirSync(join(folder, 'coredump_filter'), { recursive: true });
    writeFileSync(join(folder, 'limits'), limits(soft));
    return keepMemoryOutOfCoreDumps(folder);
  };
  t.equal(forbidden('limited', '0'), undefined);
  t.match(
    forbidden('open', 'unlimited'),
    /private keys: its limit is unlimited, and coredump_filter cannot be set \(EISDIR\)$/,
  );
  t.match(keepMemoryOutOfCoreDumps(join(allowed, 'none')), /its limit is unknown, .*ENOENT/);
});

test('Linux takes it', { skip: process.platform === 'linux' ? false : 'there is no /proc' }, async (t) => {
  const before = readFileSync('/proc/self/coredump_filter', 'utf8');
  t.teardown(() => writeFileSync('/proc/self/coredump_filter', `0x${before.trim()}`));
  t.equal(keepMemoryOutOfCoreDumps(), undefined);
  t.equal(readFileSync('/proc/self/coredump_filter', 'utf8'), '00000000\n');
});
