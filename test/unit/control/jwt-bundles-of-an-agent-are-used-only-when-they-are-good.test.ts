import { join } from 'node:path';
import { test } from 'tap';
import type { IdentityEvent } from '../../../certs/sources/events.ts';
import type { SvidMaterial } from '../../../certs/sources/svid-source.ts';
import { parseTrustDomain } from '../../../certs/spiffe-id.ts';
import type { LoadBalancersConfig } from '../../../proxy/config/token-config.ts';
import { agentBundles } from '../../../proxy/control/agent-bundles.ts';
import { startAgent } from '../../harness/agent.ts';
import { newFolder } from '../../harness/proxy.ts';
import { jwks, tokenKey } from '../../harness/user-tokens.ts';

const [shop, partner] = ['shop.example', 'partner.example'].map(parseTrustDomain);
const asking = (...jwtBundles: LoadBalancersConfig['jwtBundles']) => ({
  loadBalancers: { jwtBundles } as unknown as LoadBalancersConfig,
});
const ofAgent = (trustDomain = shop) => ({ trustDomain: trustDomain ?? parseTrustDomain('x'), file: undefined });
const svid = { spiffeId: 'spiffe://shop.example/a', serial: '01', notAfterMs: 1 } as SvidMaterial;
const [first, second, third] = ['one', 'two', 'three'].map((kid) => jwks(tokenKey(kid)));

/** Holds the process, as the proxy's own work does. */
const schedule = (delayMs: number, run: () => void) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};

void test('what the agent pushes is used, what is bad is not, and what it withdraws is gone', async (t) => {
  const where = join(newFolder(t), 'agent.sock');
  const agent = await startAgent(t, where);
  const told: IdentityEvent[] = [];
  let next = Promise.withResolvers<void>();
  const happened = () => {
    next.resolve();
    next = Promise.withResolvers();
  };
  const endpoint = { kind: 'unix', path: where } as const;
  const onEvent = (event: IdentityEvent) => {
    told.push(event);
    happened();
  };
  const bundles = agentBundles({ endpoint, now: Date.now, current: () => svid, onEvent, schedule, random: () => 0 });
  t.teardown(bundles.close);
  const both = asking(ofAgent(shop), ofAgent(partner));
  t.same(bundles.get(asking()), new Map(), 'who asks for none has the agent not asked');
  t.same(bundles.get(both), new Map());
  bundles.watch(happened);
  const after = async (offer: () => void) => {
    const { promise } = next;
    offer();
    await promise;
    return Object.fromEntries(bundles.get(both));
  };
  const [home, away] = ['spiffe://shop.example', 'spiffe://partner.example'];
  const other = 'spiffe://other.example';
  t.same(
    await after(() => agent.offerJwtBundles({ [home]: String(first), [away]: String(second), [other]: String(third) })),
    { [home]: first, [away]: second },
    'of those who were asked for',
  );
  t.same(Object.fromEntries(bundles.get(asking(ofAgent(partner)))), { [away]: second });
  const now = { [home]: first, [away]: third };
  t.same(
    await after(() => agent.offerJwtBundles({ [home]: '{"keys":[{"kty":"oct","k":"AA"}]}', [away]: String(third) })),
    now,
    'each for itself',
  );
  t.match(told.at(-1), { type: 'trust.refresh-failed', code: 'workload-api-malformed' });
  for (const [bad, message] of [
    ['{"keys":[],"keys":[]}', /JWT bundle of "spiffe:\/\/shop\.example": is not acceptable JSON/],
    ['[]', /no JWK set/],
    [`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"a"}]}`, /no valid public key/],
    [JSON.stringify({ keys: [], more: 'x'.repeat(300_000) }), /more than 262144 bytes/],
  ] as const) {
    t.same(await after(() => agent.offerJwtBundles({ [home]: bad, [away]: String(third) })), now);
    t.match(told.at(-1), { message });
  }
  t.same(await after(() => agent.offerJwtBundles(Buffer.from('garbage'))), now);
  t.match(told.at(-1), { message: /cannot be read/ });
  t.same(await after(() => agent.offerJwtBundles({ [home]: String(first) })), { [home]: first }, 'withdrawn');
  t.same(
    await after(() => agent.offerJwtBundles({ [home]: '{"keys":[]}' })),
    { [home]: '{"keys":[]}' },
    'it signs none any more',
  );
  t.same(await after(agent.stop), { [home]: '{"keys":[]}' }, 'while the agent is away, everything stays');
  t.match(told.at(-1), { code: 'workload-api-unavailable' });
});

void test('who begins to watch late is told of what has come since', async (t) => {
  const where = join(newFolder(t), 'agent.sock');
  const agent = await startAgent(t, where);
  const bundles = agentBundles({
    endpoint: { kind: 'unix', path: where },
    now: Date.now,
    current: () => svid,
    onEvent: () => undefined,
  });
  t.teardown(bundles.close);
  bundles.get(asking(ofAgent()));
  const come = new Promise<void>((resolve) => void bundles.watch(resolve));
  agent.offerJwtBundles({ 'spiffe://shop.example': String(first) });
  await come;
  await new Promise<void>((resolve) => void bundles.watch(resolve));
  t.equal(bundles.get(asking(ofAgent())).size, 1);
  bundles.watch(() => t.fail('nothing has changed since it was asked for'));
});
