import { test } from 'tap';
import { createQuotas, openQuotas } from '../../../proxy/limit/quotas.ts';
import type { IssuerConfig } from '../../../proxy/config/token-config.ts';
import type { Introspect } from '../../../proxy/user/introspection.ts';
import { longest } from '../../../proxy/user/life.ts';
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

const once = { ...required, singleUse: true };
const usesOn = (clock: { ms: number }) => tokenUses(openQuotas(createQuotas(16), 0), () => clock.ms);

void test('a token for one use is used once until it expires, and is refused when there is no room', async (t) => {
  const clock = { ms: nowMs };
  const memory = createQuotas(16);
  const uses = tokenUses(openQuotas(memory, 0), () => clock.ms);
  const other = tokenUses(openQuotas(memory, 1), () => clock.ms);
  const life = { endsMs: nowMs + 1000, forgottenMs: nowMs + 2000 };
  const lasting = { endsMs: nowMs + 9000, forgottenMs: nowMs + 9000 };
  t.equal(uses.take('issuer', 'a', life), 'first');
  t.equal(other.take('issuer', 'a', life), 'used', 'whichever thread asks');
  t.equal(uses.take('issuera', '', life), 'first', 'two pairs are never one name');
  t.equal(uses.take('issuer', 'b', life), 'first');
  clock.ms = nowMs + 999;
  t.equal(uses.take('issuer', 'a', life), 'used');
  clock.ms = nowMs + 1000;
  t.equal(uses.take('issuer', 'a', life), 'ended');
  t.equal(uses.take('issuer', 'c', life), 'ended', 'and it takes no room');
  clock.ms = nowMs + 1999;
  t.equal(uses.take('issuer', 'a', lasting), 'used');
  clock.ms = nowMs + 2000;
  t.equal(uses.take('issuer', 'a', lasting), 'first', 'forgotten');
  const answers = Array.from({ length: 100 }, (_, index) => uses.take('issuer', `more-${index}`, lasting));
  t.equal(answers.at(-1), 'full');
  const ask = asking(await verifierFor([[staff, [key]]]), { take: () => 'full' });
  t.match(await ask({ headers: bearer(mint(key, goodClaims)), route: once }), { code: 'overloaded' });
});

void test('a token that ends between a request and its use is refused, also where its first use is forgotten by then', async (t) => {
  const clock = { ms: nowMs };
  let takesMs = 0;
  const introspect: Introspect = async () => {
    clock.ms += takesMs;
    return undefined;
  };
  // No tolerance is left between the end and the moment when it is forgotten.
  const issuer = { ...staff, clockToleranceMs: longest.clockToleranceMs };
  const verifier = await verifierFor([[issuer, [key]]]);
  const ask = asking(verifier, usesOn(clock), [issuer], new Map([['staff', introspect]]));
  const headers = bearer(mint(key, goodClaims));
  const atMs = goodClaims.exp * 1000 + longest.clockToleranceMs - 100;
  const at = async () => ask({ headers, route: once, atMs: (clock.ms = atMs) });
  t.match(await ask({ headers, route: once }), { user: { issuer: 'staff' } });
  t.match(await at(), { code: 'user-token-used' });
  takesMs = 99;
  t.match(await at(), { code: 'user-token-used' });
  takesMs = 150;
  t.match(await at(), { code: 'user-token-expired', counted: ['refused'] });
});

void test('a thread that was held up on the way to the memory does not take what has ended by then for a first use', (t) => {
  const times = [nowMs, nowMs + 1000];
  const uses = tokenUses(openQuotas(createQuotas(16), 0), () => times.shift() ?? 0);
  t.equal(uses.take('issuer', 'a', { endsMs: nowMs + 1000, forgottenMs: nowMs + 1000 }), 'ended');
  t.end();
});

void test('a used token stays used when a reload lets tokens live longer', async (t) => {
  const clock = { ms: nowMs };
  const uses = usesOn(clock);
  const reloaded = async (change: Partial<IssuerConfig>) => {
    const issuer = { ...staff, ...change };
    return asking(await verifierFor([[issuer, [key]]]), uses, [issuer]);
  };
  const short = await reloaded({ maxTokenAgeMs: 60_000, clockToleranceMs: 0 });
  const long = await reloaded({ maxTokenAgeMs: longest.tokenAgeMs, clockToleranceMs: longest.clockToleranceMs });
  const iat = goodClaims.iat + 60;
  for (const [jti, exp] of [
    ['of an hour', iat + 3600],
    ['of a week', iat + 7 * 86_400],
  ] as const) {
    const shown = { headers: bearer(mint(key, { ...goodClaims, jti, iat, exp })), route: once };
    const at = (atMs: number) => ({ ...shown, atMs: (clock.ms = atMs) });
    t.match(await short(at(nowMs)), { user: { issuer: 'staff' } });
    t.match(await short(at(nowMs + 60_000)), { code: 'user-token-expired' });
    t.match(await long(at(nowMs + 61_000)), { code: 'user-token-used' }, jti);
    const end = Math.min(exp, iat + 86_400) * 1000 + longest.clockToleranceMs;
    t.match(await long(at(end - 1)), { code: 'user-token-used' }, jti);
    t.match(await long(at(end)), { code: 'user-token-expired' }, jti);
  }
});

void test('a used token stays used when the wall clock is put back', async (t) => {
  const clock = { ms: nowMs };
  const ask = asking(await verifierFor([[staff, [key]]]), usesOn(clock));
  const headers = bearer(mint(key, goodClaims));
  t.match(await ask({ headers, route: once }), { user: { issuer: 'staff' } });
  clock.ms = nowMs - 60_000;
  t.match(await ask({ headers, route: once, atMs: clock.ms }), { code: 'user-token-used' });
  clock.ms = nowMs + 239_000;
  t.match(await ask({ headers, route: once, atMs: clock.ms }), { code: 'user-token-used' });
});
