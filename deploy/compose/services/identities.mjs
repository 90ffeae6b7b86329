// Issues a certificate of the local CA for each caller, anew when half of its time is over.
// Usage: node identities.mjs TRUST_DOMAIN NAME...     or, as a health check: node identities.mjs --issued
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const main = '/portcullis/proxy/main.js';
const state = '/var/lib/portcullis/state';
const identities = '/var/lib/portcullis/identities';
const issued = `${identities}/issued`;
const halfTimeMs = 30 * 60_000;

const [trustDomain, ...names] = process.argv.slice(2);
if (trustDomain === '--issued') process.exit(existsSync(issued) ? 0 : 1);

function portcullis(...words) {
  const { status } = spawnSync(process.execPath, [main, ...words], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

function issue() {
  for (const name of names) {
    const id = `spiffe://${trustDomain}/${name}`;
    portcullis('ca', 'issue', '--state', state, '--id', id, '--ttl', '1h', '--out', `${identities}/${name}`);
  }
  writeFileSync(issued, '');
}

rmSync(issued, { force: true });
issue();
setInterval(issue, halfTimeMs);
process.on('SIGTERM', () => process.exit(0));
