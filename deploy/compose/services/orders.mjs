// The service `orders`: for its answer it asks `billing`, as itself. Usage: node orders.mjs PORT
import { call } from './call.mjs';
import { serve } from './serve.mjs';

serve(async ({ method }) => {
  if (method === 'POST') return { ordered: true };
  const { status, body } = await call({ as: 'orders', service: 'billing', path: '/invoices' });
  return { orders: [{ id: 42 }], invoices: status === 200 ? JSON.parse(body).invoices : `billing said ${status}` };
});
