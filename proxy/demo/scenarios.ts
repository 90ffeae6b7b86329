/** Who asks: clients of the local CA, one with a certificate of somebody else's CA, and one without any. */
export type DemoClient = 'web' | 'reports' | 'stranger' | 'foreign' | 'nobody';

export type Scenario = {
  readonly title: string;
  readonly client: DemoClient;
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  /** How often it is sent; the last answer counts. */
  readonly times: number;
  readonly expected: Expected;
};

export type Expected = {
  /** `undefined` where the handshake is refused, so that there is no answer. */
  readonly status: number | undefined;
  /** Code of the refusal; `undefined` where the request is allowed. */
  readonly code: string | undefined;
  /** JSON pointer of what breaks the schema. */
  readonly pointer?: string;
};

const allowed = (status: number): Expected => ({ status, code: undefined });
const refused = (status: number, code: string, pointer?: string): Expected => ({
  status,
  code,
  ...(pointer === undefined ? {} : { pointer }),
});
const notConnected = (code: string): Expected => ({ status: undefined, code });

const order = JSON.stringify({ item: 'tea, 500 g', quantity: 3, delivery: { city: 'Delft' } });
const brokenOrder = JSON.stringify({ item: 'tea, 500 g', quantity: 3, delivery: { city: 'Delft', price: 0 } });

/** `burst` of the orders.list route in portcullis.yaml. */
const burst = 5;

export const scenarios: readonly Scenario[] = [
  { title: 'read an order', client: 'web', method: 'GET', path: '/orders/1001', times: 1, expected: allowed(200) },
  {
    title: 'place an order that fits its schema',
    client: 'web',
    method: 'POST',
    path: '/orders',
    body: order,
    times: 1,
    expected: allowed(201),
  },
  {
    title: 'no certificate',
    client: 'nobody',
    method: 'GET',
    path: '/orders/1001',
    times: 1,
    expected: notConnected('no-certificate'),
  },
  {
    title: 'a certificate of another CA',
    client: 'foreign',
    method: 'GET',
    path: '/orders/1001',
    times: 1,
    expected: notConnected('untrusted'),
  },
  {
    title: 'an identity that the policy does not know',
    client: 'stranger',
    method: 'GET',
    path: '/orders/1001',
    times: 1,
    expected: refused(403, 'forbidden'),
  },
  {
    title: 'a method that the policy denies',
    client: 'reports',
    method: 'DELETE',
    path: '/orders/1001',
    times: 1,
    expected: refused(403, 'forbidden'),
  },
  {
    title: 'an order that breaks its schema',
    client: 'web',
    method: 'POST',
    path: '/orders',
    body: brokenOrder,
    times: 1,
    expected: refused(422, 'schema-violation', '/delivery/price'),
  },
  {
    title: `${burst + 1} requests in a row where ${burst} may be`,
    client: 'reports',
    method: 'GET',
    path: '/orders',
    times: burst + 1,
    expected: refused(429, 'too-many-requests'),
  },
];
