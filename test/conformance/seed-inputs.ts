import { facts, input } from '../unit/policy/policies.ts';
import { parseSpiffeId } from '../../certs/spiffe-id.ts';

/** Inputs as the proxy makes them, for the routes and identities of the default policy's example data. */
export function seedInputs(): readonly unknown[] {
  const base = facts();
  return ['GET', 'POST', 'DELETE'].flatMap((method) =>
    ['orders.read', 'orders.write', 'orders.delete', 'unknown'].flatMap((name) =>
      ['spiffe://demo.test/ns/shop/sa/web', 'spiffe://demo.test/ns/shop/sa/reports'].map((id) =>
        input({
          request: { ...base.request, method },
          route: { ...base.route, name },
          peer: { ...base.peer, spiffeId: parseSpiffeId(id) },
        }),
      ),
    ),
  );
}
