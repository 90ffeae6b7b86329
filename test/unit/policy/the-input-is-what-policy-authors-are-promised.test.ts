import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { test } from 'tap';
import { buildInput } from '../../../policy/input.ts';
import type { InputFacts } from '../../../policy/input-facts.ts';
import { facts, validated } from './policies.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../policy/input.schema.json', import.meta.url), 'utf8'),
) as object;
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

const asPolicySees = (given: InputFacts) => JSON.parse(JSON.stringify(buildInput(given))) as Record<string, unknown>;

const bodies: readonly InputFacts['body'][] = [
  { kind: 'none' },
  { kind: 'streamed', bytes: undefined, contentType: undefined },
  { kind: 'streamed', bytes: 7, contentType: 'text/plain' },
  validated({ qty: 1 }),
];

test('every kind of input follows the published schema', (t) => {
  const user = {
    issuer: 'staff',
    realm: 'internal',
    subject: 'alice',
    certificateBound: true,
    keyBound: false,
    claims: { groups: ['a'] },
  };
  const withUser = asPolicySees(facts({ user }));
  t.ok(validate(withUser), JSON.stringify(validate.errors));
  t.match(withUser, {
    portcullis: { user: { subject: 'alice', certificate_bound: true, key_bound: false, claims: { groups: ['a'] } } },
  });
  t.notOk(
    Object.hasOwn(asPolicySees(facts())['portcullis'] as object, 'user'),
    'nobody is not null: that is true in Rego',
  );
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
          headers: {
            accept: 'text/plain',
            'x-tag': 'one,two',
            ':authority': 'orders.demo.test',
            ':method': 'GET',
            ':path': '/orders/a%20b?x=1&x=2&y=',
            ':scheme': 'https',
          },
        },
      },
      source: {
        address: { socketAddress: { address: '10.1.2.3', portValue: 40_000 } },
        principal: 'spiffe://demo.test/ns/shop/sa/web',
      },
      destination: { principal: 'spiffe://demo.test/ns/shop/sa/orders' },
      metadataContext: {},
    },
    source_principal: 'spiffe://demo.test/ns/shop/sa/web',
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

test('it says by which protocol the client asked, as Envoy says it', (t) => {
  const asked = (protocol: 'HTTP/1.1' | 'HTTP/2') => asPolicySees(facts({ request: { ...facts().request, protocol } }));
  for (const protocol of ['HTTP/1.1', 'HTTP/2'] as const) {
    t.match(asked(protocol), { attributes: { request: { http: { protocol } } } });
    t.ok(validate(asked(protocol)), JSON.stringify(validate.errors));
  }
  t.notOk(validate(asked('HTTP/3' as 'HTTP/2')), 'the schema names no other');
  t.end();
});

test('only a validated body is shown; what was not read is never an empty body', (t) => {
  const shown = bodies.map((body) => Object.hasOwn(asPolicySees(facts({ body })), 'parsed_body'));
  t.same(shown, [true, false, false, true]);
  t.equal(asPolicySees(facts())['parsed_body'], null, 'as the plugin says that there is none');
  t.match(asPolicySees(facts({ body: validated({ qty: 1 }) })), {
    attributes: { request: { http: { body: '{"qty":1}', size: 9 } } },
    parsed_body: { qty: 1 },
  });
  t.match(asPolicySees(facts({ body: { kind: 'streamed', bytes: undefined, contentType: undefined } })), {
    attributes: { request: { http: { size: -1 } } },
    portcullis: { body: { kind: 'streamed', bytes: null } },
  });
  t.end();
});

test('the text of a body is made when it is read, and once', (t) => {
  let made = 0;
  const text = () => `body ${(made += 1)}`;
  const { http } = buildInput(facts({ body: { ...validated({}), bytes: 100_000, text } })).attributes.request;
  t.equal(made, 0);
  t.same([http.body, http.body, Object.keys(http).at(-1)], ['body 1', 'body 1', 'body']);
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
      t.same(
        Object.keys(headers).filter((each) => !each.startsWith(':')),
        key.startsWith(':') ? [] : [key],
      );
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

test('what the plugin would say, to the letter, of the edges', (t) => {
  const { request, connection } = facts();
  const root = asPolicySees(facts({ request: { ...request, target: '/', path: '/' }, pathSegments: [] }));
  t.same(root['parsed_path'], [''], 'Go splits the path /, without its slash, into one empty segment');
  const partial = ['x-envoy-auth-partial-body', 'true'];
  t.notMatch(asPolicySees(facts({ request: { ...request, headers: partial } })), {
    attributes: { request: { http: { headers: { 'x-envoy-auth-partial-body': 'true' } } } },
  });
  t.match(asPolicySees(facts({ connection: { ...connection, serverName: 'orders.demo.test' } })), {
    attributes: { tlsSession: { sni: 'orders.demo.test' } },
  });
  t.end();
});
