// The service `billing`. Usage: node billing.mjs PORT
import { serve } from './serve.mjs';

serve(() => ({ invoices: [{ order: 42, total: '17.30' }] }));
