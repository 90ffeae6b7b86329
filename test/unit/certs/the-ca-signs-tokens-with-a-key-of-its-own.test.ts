import { readFileSync, rmSync, statSync, writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import type { CaEvent } from '../../../certs/local-ca/events.ts';
import { namedSubject } from '../../../certs/jwt-svid.ts';
import { openLocalCa } from '../../../certs/local-ca/local-ca.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';
import { newFolder } from '../../harness/proxy.ts';

const spiffeId = parseSpiffeId('spiffe://shop.test/web');
const nowMs = Date.UTC(2026, 5, 1);
const request = { spiffeId, audience: ['orders'], lifetimeMs: 60_000, nowMs };

async function open(
  t: { readonly teardown: (task: () => unknown) => unknown },
  stateFolder: string,
  {
    passphrase,
    trustDomain = 'shop.test',
    keyAlgorithm = 'P-256' as 'P-256' | 'P-384',
  }: { passphrase?: string; trustDomain?: string; keyAlgorithm?: 'P-256' | 'P-384' } = {},
) {
  const events: CaEvent[] = [];
  const ca = await openLocalCa({
    stateFolder,
    trustDomain: parseTrustDomain(trustDomain),
    keyAlgorithm,
    ...(passphrase === undefined ? {} : { passphrase }),
    now: () => nowMs,
    onEvent: (event) => events.push(event),
  });
  t.teardown(ca.close);
  const made = () => events.filter(({ type }) => type === 'ca.create-jwt-key').length;
  return { ca, made, file: join(stateFolder, 'ca/jwt.key') };
}

test('the key is made when it is asked for, once, and stays', async (t) => {
  const folder = newFolder(t);
  const { ca, made, file } = await open(t, folder);
  const other = await open(t, folder);
  t.throws(() => statSync(file));
  const [one, two] = await Promise.all([ca.jwtAuthority(), other.ca.jwtAuthority()]);
  t.equal(one.jwks, two.jwks, 'two processes have one key');
  t.equal(made() + other.made(), 1);
  t.equal(statSync(file).mode & 0o777, 0o600);
  const { token } = await one.sign(request);
  const again = await (await open(t, folder)).ca.jwtAuthority();
  t.match(await again.verify(token, 'orders', nowMs), { spiffeId, claims: { aud: ['orders'] } });
});

test('a token is good for its audience and its time, and for nothing else', async (t) => {
  const { ca } = await open(t, newFolder(t));
  const { sign, verify } = await ca.jwtAuthority();
  const { token, notAfterMs } = await sign(request);
  t.equal(notAfterMs, nowMs + 60_000);
  await verify(token, 'orders', notAfterMs - 1000);
  await t.rejects(verify(token, 'orders', notAfterMs), { code: 'jwt-svid-invalid', message: /exp/ });
  await t.rejects(verify(token, 'billing', nowMs), { code: 'jwt-svid-invalid', message: /aud/ });
  const { ca: stranger } = await open(t, newFolder(t));
  const foreign = await (await stranger.jwtAuthority()).sign(request);
  await t.rejects(verify(foreign.token, 'orders', nowMs), { code: 'jwt-svid-invalid' });
  const elsewhere = await sign({ ...request, spiffeId: parseSpiffeId('spiffe://other.test/web') });
  await t.rejects(verify(elsewhere.token, 'orders', nowMs), {
    code: 'jwt-svid-invalid',
    message: /another trust domain/,
  });
});

test('a subject that is no string is none, whoever has signed it', async (t) => {
  const { ca } = await open(t, newFolder(t));
  const { sign, verify } = await ca.jwtAuthority();
  for (const subject of [5, [spiffeId], { id: spiffeId }, null]) {
    const { token } = await sign({ ...request, spiffeId: subject as never });
    t.equal(await namedSubject(token), undefined);
    await t.rejects(verify(token, 'orders', nowMs), { code: 'jwt-svid-invalid', message: /sub/ });
  }
  t.equal(await namedSubject((await sign(request)).token), spiffeId);
});

test('it is as strong as the other keys, encrypted as they are, and refused when others can read it', async (t) => {
  const folder = newFolder(t);
  const { ca, file } = await open(t, folder, { passphrase: 'correct horse', keyAlgorithm: 'P-384' });
  const authority = await ca.jwtAuthority();
  t.match(JSON.parse(authority.jwks), { keys: [{ crv: 'P-384', kid: /./ }] });
  t.match(JSON.parse(Buffer.from((await authority.sign(request)).token.split('.')[0] ?? '', 'base64url').toString()), {
    alg: 'ES384',
  });
  t.match(readFileSync(file, 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  chmodSync(file, 0o644);
  await t.rejects(ca.jwtAuthority(), { code: 'key-file-exposed' });
  rmSync(file);
  writeFileSync(file, 'damaged', { mode: 0o600 });
  await t.rejects(ca.jwtAuthority(), { code: 'passphrase-unexpected' });
});
