import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { test } from 'tap';
import { buildInput, type InputFacts } from '../../../policy/input.ts';
import { facts } from './policies.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../policy/input.schema.json', import.meta.url), 'utf8'),
) as object;
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

const asPolicySees = (given: InputFacts) => JSON.parse(JSON.stringify(buildInput(given))) as Record<string, unknown>;

const bodies: readonly InputFacts['body'][] = [
  { kind: 'none' },
  { kind: 'streamed', bytes: undefined, contentType: undefined },
  { kind: 'streamed', bytes: 7, contentType: 'text/plain' },
  { kind: 'validated', bytes: 9, contentType: 'application/json', value: { qty: 1 } },
];

test('every kind of input follows the published schema', (t) => {
  for (const body of bodies) t.ok(validate(asPolicySees(facts({ body }))), JSON.stringify(validate.errors));
  t.notOk(validate({ ...asPolicySees(facts()), extra: 1 }), 'the schema is closed');
  t.end();
});

test('it has the members of the OPA-Envoy input, as Rego written for it reads them', (t) => {
  const document = asPolicySees(facts());
  t.match(document, {
    attributes: {
      request: {
        time: '2026-11-23T09:30:00.000Z',
        http: {
          method: 'GET',
          path: '/orders/a%20b?x=1&x=2&y=',
          host: 'orders.demo.test',
          scheme: 'https',
          protocol: 'HTTP/1.1',
          size: 0,
          headers: { accept: 'text/plain', 'x-tag': 'one,two' },
        },
      },
      source: {
        address: { socketAddress: { address: '10.1.2.3', portValue: 40_000 } },
        principal: 'spiffe://demo.test/ns/shop/sa/web',
      },
      destination: { principal: 'spiffe://demo.test/ns/shop/sa/orders' },
    },
    parsed_path: ['orders', 'a b'],
    parsed_query: { x: ['1', '2'], y: [''] },
    truncated_body: false,
    version: { encoding: 'protojson', ext_authz: 'v3' },
    portcullis: {
      time: { weekday: 'monday', hour_utc: 9, minute: 30 },
      peer: { path_segments: ['ns', 'shop', 'sa', 'web'] },
    },
  });
  t.end();
});

test('only a validated body is shown; what was not read is never an empty body', (t) => {
  const shown = bodies.map((body) => Object.hasOwn(asPolicySees(facts({ body })), 'parsed_body'));
  t.same(shown, [false, false, false, true]);
  t.match(asPolicySees(facts({ body: { kind: 'streamed', bytes: undefined, contentType: undefined } })), {
    attributes: { request: { http: { size: -1 } } },
    portcullis: { body: { kind: 'streamed', bytes: null } },
  });
  t.end();
});

// CVE-2026-21710: a header named __proto__ must become a member like any other.
test('any header, query or parameter name becomes an own member', (t) => {
  const name = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty'), fc.string());
  fc.assert(
    fc.property(name, fc.string(), (key, value) => {
      const request = { ...facts().request, headers: [key, value], query: [[key, value] as const] };
      const parameters = new Map([[key, value]]);
      const document = buildInput(facts({ request, route: { name: 'r', template: '/', parameters } }));
      const { headers } = document.attributes.request.http;
      t.same(Object.keys(headers), [key]);
      if (headers[key] !== value || document.parsed_query[key]?.[0] !== value) throw new Error('lost');
      if (document.portcullis.route.parameters[key] !== value) throw new Error('lost');
      if (!JSON.stringify(document).includes(`${JSON.stringify(key)}:${JSON.stringify(value)}`))
        throw new Error('lost');
    }),
    { numRuns: 200 },
  );
  t.equal(({} as Record<string, unknown>)['polluted'], undefined);
  t.end();
});
