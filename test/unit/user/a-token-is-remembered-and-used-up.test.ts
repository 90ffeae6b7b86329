import { test } from 'tap';
import { createQuotas, openQuotas } from '../../../proxy/limit/quotas.ts';
import { tokenUses } from '../../../proxy/user/token-uses.ts';
import { mint, tokenKey } from '../../harness/user-tokens.ts';
import { asking, bearer, goodClaims, nowMs, required, staff, verifierFor } from './verified.ts';

const key = tokenKey('one');

void test('a token that is remembered is judged again by time, audience and client', async (t) => {
  const ask = asking(await verifierFor([[staff, [key]]]));
  const headers = bearer(mint(key, goodClaims));
  t.match(await ask({ headers }), { user: { issuer: 'staff', realm: 'internal' }, counted: ['verified'] });
  t.match(await ask({ headers }), { user: { claims: { subject: 'alice' } }, counted: ['remembered'] });
  const later = nowMs + 240_000 + staff.clockToleranceMs;
  t.match(await ask({ headers, atMs: later - 1 }), { counted: ['remembered'] });
  t.match(await ask({ headers, atMs: later }), { code: 'user-token-expired', counted: ['refused'] });
  const elsewhere = { ...required, issuers: ['partner'] };
  t.match(await ask({ headers, route: elsewhere }), { code: 'user-not-of-this-route', counted: ['refused'] });
});

void test('a token that is not good is not remembered, and what is remembered has an end', async (t) => {
  const verifier = await verifierFor([[staff, [key]]]);
  const forged = mint(tokenKey('one'), goodClaims);
  await verifier.verify(forged);
  t.equal(verifier.recall(forged), undefined);
  const tokens = Array.from({ length: 1001 }, (_, index) => mint(key, { ...goodClaims, jti: String(index) }));
  await Promise.all(tokens.map(async (token) => verifier.verify(token)));
  t.equal(tokens.filter((token) => verifier.recall(token) === undefined).length, 1);
});

void test('a verified claim cannot be changed by who is shown it', async (t) => {
  const ask = asking(await verifierFor([[staff, [key]]]));
  const answer = await ask({ headers: bearer(mint(key, { ...goodClaims, groups: ['staff'] })) });
  const { groups } = ('user' in answer ? (answer.user?.claims.all ?? {}) : {}) as { groups: string[] };
  t.throws(() => groups.push('admin'), TypeError);
});

void test('a token for one use is used once until it expires, and is refused when there is no room', async (t) => {
  let nowUs = 0;
  const memory = createQuotas(16);
  const uses = tokenUses(openQuotas(memory, 0), () => nowUs);
  const other = tokenUses(openQuotas(memory, 1), () => nowUs);
  t.equal(uses.take('issuer', 'a', 1000), 'first');
  t.equal(other.take('issuer', 'a', 1000), 'used', 'whichever thread asks');
  t.equal(uses.take('issuera', '', 1000), 'first', 'two pairs are never one name');
  t.equal(uses.take('issuer', 'b', 1000), 'first');
  nowUs = 999_999;
  t.equal(uses.take('issuer', 'a', 1), 'used');
  nowUs = 1_000_000;
  t.equal(uses.take('issuer', 'a', 1000), 'first', 'by then its `exp` refuses it');
  const answers = Array.from({ length: 100 }, (_, index) => uses.take('issuer', `more-${index}`, 1000));
  t.equal(answers.at(-1), 'full');
  const ask = asking(await verifierFor([[staff, [key]]]), { take: () => 'full' });
  const route = { ...required, singleUse: true };
  t.match(await ask({ headers: bearer(mint(key, goodClaims)), route }), { code: 'overloaded' });
});
