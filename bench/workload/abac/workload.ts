import { join } from 'node:path';

/**
 * An attribute-based access decision of a realistic size: rules over subject, object, operation and environment, deny
 * overrides, reasons, obligations, and 64 requests of about 2 KB, two thirds of them allowed. Deterministic.
 */
export type Workload = {
  readonly rego: readonly string[];
  readonly entrypoint: 'authz/decision';
  readonly data: Readonly<Record<string, unknown>>;
  readonly inputs: readonly Readonly<Record<string, unknown>>[];
};

export type Lookup = 'linear' | 'indexed';

type Rule = { readonly [member: string]: unknown } & {
  readonly method: string;
  readonly pattern: readonly string[];
  readonly callers: readonly string[];
  readonly scopes: readonly string[];
};

type Resource = { readonly classification: string; readonly owner_dept: string; readonly masked: readonly string[] };

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const departments = ['billing', 'logistics', 'claims', 'risk', 'support', 'platform'];
const classifications = ['public', 'internal', 'confidential', 'restricted'];
const words = 'orders invoices parcels quotes tickets ledgers devices users policies batches reports alerts'.split(' ');
const requests = 64;
/** Every route has a rule for each method at two depths. */
const rulesPerRoute = 10;

export function abacWorkload(lookup: Lookup, rules: number): Workload {
  const random = randomFrom(1000 + rules);
  const services = Array.from({ length: 40 }, (_, i) => {
    return `spiffe://mesh.example/ns/${random.pick(departments)}/sa/svc-${i}`;
  });
  const all: Rule[] = [];
  const resources: Record<string, Resource> = {};
  for (let route = 0; route < Math.max(1, rules / rulesPerRoute); route++) {
    const word = words[route % words.length] ?? '';
    const name = route < words.length ? word : `${word}-${Math.floor(route / words.length)}`;
    resources[name] = {
      classification: random.pick(classifications),
      owner_dept: random.pick(departments),
      masked: ['iban', 'ssn', 'email'],
    };
    for (const method of methods) {
      for (const depth of [2, 3]) all.push(rule(random, services, name, method, depth, all.length));
    }
  }
  const inputs = Array.from({ length: requests }, (_, i) => request(random, random.pick(all), resources, i));
  return {
    rego: ['decision.rego', `${lookup}.rego`].map((file) => join(import.meta.dirname, file)),
    entrypoint: 'authz/decision',
    data: lookup === 'linear' ? { rules: all, resources } : { rule_index: indexed(all), resources },
    inputs,
  };
}

function rule(random: Random, services: readonly string[], route: string, method: string, depth: number, n: number) {
  const refuses = depth === 3 && method === 'DELETE';
  return {
    id: `R${String(n).padStart(5, '0')}`,
    effect: refuses ? 'deny' : 'allow',
    method,
    pattern: depth === 2 ? [route, '*'] : [route, '*', 'items'],
    callers: Array.from({ length: 4 }, () => random.pick(services)),
    scopes: [`${route}:${method === 'GET' ? 'read' : 'write'}`],
    min_clearance: random.below(3),
    hours: { from: 0, to: 24 },
    roles: refuses ? ['contractor', 'trainee'] : [],
    obligations: [{ type: 'header', name: 'x-authz-rule', value: route }],
  };
}

function indexed(rules: readonly Rule[]) {
  const index: Record<string, Record<string, Rule[]>> = {};
  for (const one of rules) ((index[one.method] ??= {})[one.pattern[0] ?? ''] ??= []).push(one);
  return index;
}

function request(
  random: Random,
  { method, pattern, callers, scopes }: Rule,
  resources: Record<string, Resource>,
  i: number,
) {
  const path = pattern.map((segment) => (segment === '*' ? String(1000 + i) : segment));
  // Three of four are meant to pass.
  const good = i % 4 !== 3;
  const department = good ? resources[path[0] ?? '']?.owner_dept : random.pick(departments);
  const principal = callers[i % 4] ?? '';
  return {
    attributes: {
      source: { address: address(`10.4.${i}.17`, 40_000 + i), principal },
      destination: { address: address('10.9.0.3', 8443), principal: 'spiffe://mesh.example/ns/app/sa/gateway' },
      request: {
        time: '2026-03-04T10:20:30.123456Z',
        http: http(method, `/${path.join('/')}?page=2&sort=desc`, principal, i),
      },
    },
    parsed_path: path,
    parsed_query: { page: ['2'], sort: ['desc'] },
    claims: {
      iss: 'https://login.example',
      sub: `user-${i}`,
      aud: ['api'],
      exp: 1_772_620_800,
      iat: 1_772_617_200,
      roles: i % 16 === 7 ? ['employee', 'contractor'] : ['employee', 'engineer'],
      dept: department,
      clearance: good ? 3 : random.below(4),
      scope: (good ? [scopes[0], 'openid', 'profile', 'mesh:read'] : ['openid', 'profile']).join(' '),
    },
    environment: { hour: 8 + (i % 10), weekday: i % 5, region: 'eu-west' },
  };
}

const address = (ip: string, port: number) => ({ socketAddress: { address: ip, portValue: port } });

function http(method: string, path: string, principal: string, i: number) {
  const token = 'eyJhbGciOiJFUzI1NiIsImtpZCI6Im1lc2gtMSJ9.'.padEnd(560, 'QWxnb3JpdGhtLWZpbGxlcg');
  const hash = '0f3a6c1e2b4d5f60718293a4b5c6d7e8f90123456789abcdef0123456789abcd';
  return {
    id: String(1e15 + i),
    method,
    path,
    host: 'api.mesh.example',
    scheme: 'https',
    protocol: 'HTTP/2',
    size: '-1',
    headers: {
      ':authority': 'api.mesh.example',
      ':method': method,
      ':path': path,
      ':scheme': 'https',
      accept: 'application/json',
      'accept-encoding': 'gzip, deflate, br',
      'accept-language': 'nl-NL,nl;q=0.9,en;q=0.8',
      authorization: `Bearer ${token}${i}`,
      'content-type': 'application/json',
      'user-agent': 'mesh-client/4.2 (linux; x64) node/26',
      'x-forwarded-proto': 'https',
      'x-request-id': `5f1d2c3b-0000-4000-8000-${String(i).padStart(12, '0')}`,
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      'x-forwarded-client-cert': `By=spiffe://mesh.example/ns/app/sa/gateway;Hash=${hash};URI=${principal}`,
    },
  };
}

type Random = { readonly below: (n: number) => number; readonly pick: <T>(from: readonly T[]) => T };

/** A linear congruential generator: every run draws the same. */
function randomFrom(seed: number): Random {
  let state = seed;
  const below = (n: number) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return Math.floor((state / 0x8000_0000) * n);
  };
  return { below, pick: (from) => from[below(from.length)] as (typeof from)[number] };
}
