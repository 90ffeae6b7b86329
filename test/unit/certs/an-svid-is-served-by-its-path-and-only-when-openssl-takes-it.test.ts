import tls from 'node:tls';
import { type Test, test } from 'tap';
import { certificateToPem } from '../../../certs/certificate.ts';
import { parseCertificatesPem } from '../../../certs/parse-certificate.ts';
import type { IdentityEvent } from '../../../certs/sources/events.ts';
import { filesSource } from '../../../certs/sources/files/source.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';
import { secureContext } from '../../../proxy/data/tls-options.ts';
import { authorityPem, makeAuthority, makeKey } from '../../pki/authority.ts';
import { makePki } from '../../pki/pki.ts';
import { svidFilesIn, writeSvidFiles } from '../../pki/svid-files.ts';

const trustDomain = parseTrustDomain('shop.example');
const path = '/ns/shop/sa/orders';
const spiffeId = parseSpiffeId(`spiffe://${trustDomain}${path}`);
const pki = await makePki({ trustDomain });
const { nowMs } = pki;
const [first, second] = await Promise.all([pki.issue({ path }), pki.issue({ path })]);
const weak = authorityPem(
  await makeAuthority({ name: 'weak', nowMs, issuer: pki.root, key: await makeKey('RSA-1024') }),
);

async function start(folder: string, onEvent?: (event: IdentityEvent) => void) {
  const files = svidFilesIn(folder);
  /** Time to settle has passed at once, that to try again never. */
  const schedule = (delayMs: number, run: () => void) => {
    if (delayMs <= 1000) setImmediate(run);
    return () => {};
  };
  return filesSource({
    files,
    spiffeId,
    trustDomain,
    overdueShare: 0.8,
    now: () => nowMs,
    schedule,
    ...(onEvent && { onEvent }),
  });
}

/** As an OpenSSL that is set to be stricter than our rules: P-256 is too short for it. */
function stricterOpenssl(t: Test) {
  const { DEFAULT_CIPHERS } = tls;
  const restore = () => {
    tls.DEFAULT_CIPHERS = DEFAULT_CIPHERS;
  };
  tls.DEFAULT_CIPHERS = `${DEFAULT_CIPHERS}:@SECLEVEL=4`;
  t.teardown(restore);
  return restore;
}

test('a weak CA that has nothing to do with the SVID is not served with it', async (t) => {
  const folder = t.testdir();
  writeSvidFiles(folder, { ...first, certPem: first.certPem + weak }, pki.caPem);
  const source = await start(folder);
  t.teardown(source.close);
  t.equal(source.current().chainPem, first.certPem);
  writeSvidFiles(folder, { ...second, certPem: second.certPem + weak + pki.caPem }, pki.caPem);
  await source.lookAgain();
  t.equal(source.current().chainPem, second.certPem);
  t.ok(tls.createSecureContext(secureContext(source.current(), source.trust(), 'strong')));
});

test('each good path to a root of ours is served, and no root', async (t) => {
  const folder = t.testdir();
  const old = await makeAuthority({ name: 'the root before', nowMs });
  const crossed = await makeAuthority({ name: `${trustDomain} root`, nowMs, issuer: old, key: pki.root.key });
  const whole = first.certPem + authorityPem(crossed);
  writeSvidFiles(folder, { ...first, certPem: whole + authorityPem(old) }, pki.caPem + authorityPem(old));
  const source = await start(folder);
  t.teardown(source.close);
  t.equal(source.current().chainPem, parseCertificatesPem(whole).map(certificateToPem).join(''));
});

test('what OpenSSL refuses is refused at start, with its reason', async (t) => {
  const folder = t.testdir();
  writeSvidFiles(folder, first, pki.caPem);
  stricterOpenssl(t);
  await t.rejects(start(folder), { code: 'svid-invalid', message: /svid\.pem:1: .*OpenSSL.*: ee key too small/ });
});

test('and later leaves the one in use where it is', async (t) => {
  const folder = t.testdir();
  writeSvidFiles(folder, first, pki.caPem);
  const told: IdentityEvent[] = [];
  const complained = Promise.withResolvers<void>();
  const source = await start(folder, (event) => {
    told.push(event);
    complained.resolve();
  });
  t.teardown(source.close);
  const restore = stricterOpenssl(t);
  writeSvidFiles(folder, second, pki.caPem);
  await source.lookAgain();
  await complained.promise;
  t.match(told, [{ type: 'identity.refresh-failed', code: 'svid-invalid', message: /ee key too small/ }]);
  t.equal(source.current().chainPem, first.certPem);
  restore();
  await source.lookAgain();
  t.equal(source.current().chainPem, second.certPem, 'and the next is used when OpenSSL takes it');
});
