import { test } from 'tap';
import { loadBuiltins } from '../../../policy/builtins/registry.ts';
import { buildSources } from '../../../policy/compiler/compile.ts';
import { decide } from '../../../policy/decision.ts';
import type { PolicyEngine } from '../../../policy/engine.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
import { buildInput, type PolicyInput } from '../../../policy/input.ts';
import type { InputFacts } from '../../../policy/input-facts.ts';
import { documentedBlocks, noDocumentation } from '../../harness/opa-documentation.ts';
import { facts, validated } from './policies.ts';

const skip = documentedBlocks('primer.md', 'rego') === undefined && noDocumentation;
const blocks = (page: string, language: string) => documentedBlocks(page, language) ?? [];
const block = (page: string, language: string, marks: string): string =>
  blocks(page, language).find((text) => text.includes(marks)) ?? '';
const bearer = (page: string, name: string) =>
  new RegExp(`export ${name}_TOKEN="([^"]+)"`).exec(blocks(page, 'shell').join('\n'))?.[1] ?? '';

async function enginesOf(text: string, entrypoint: string): Promise<readonly PolicyEngine[]> {
  const sources = { files: [{ name: 'policy.rego', text }], paths: new Map([['policy.rego', 'policy.rego']]) };
  const bundle = await buildSources({ sources, data: {}, entrypoint });
  await loadBuiltins(bundle.requiredBuiltins.map(({ name }) => name));
  return [wasmEngine(bundle), planEngine(bundle)];
}

type Asked = { readonly method?: string; readonly authorization?: string; readonly body?: unknown };

function asking(target: string, { method = 'GET', authorization, body }: Asked = {}): PolicyInput {
  const { request } = facts();
  const [path = '', query = ''] = target.split('?');
  return buildInput(
    facts({
      request: {
        ...request,
        method,
        target,
        path,
        query: [...new URLSearchParams(query)],
        headers: authorization === undefined ? [] : ['authorization', authorization],
      },
      pathSegments: path.slice(1).split('/'),
      ...(body === undefined ? {} : { body: validated(body) }),
    }),
  );
}

test('the primer: roles in tokens', { skip }, async (t) => {
  const engines = await enginesOf(block('primer.md', 'rego', 'action_allowed'), 'envoy/authz/allow');
  const { attributes } = JSON.parse(block('primer.md', 'json', '"/people/"')) as PolicyInput;
  const alice = attributes.request.http.headers['authorization'] ?? '';
  const bob = `Bearer ${bearer('tutorial-standalone-envoy.md', 'BOB')}`;
  for (const engine of engines) {
    const kind = (target: string, asked: Asked) => decide(engine, asking(target, asked)).kind;
    t.equal(kind('/people/', { authorization: alice }), 'allow', 'the documented input');
    t.equal(kind('/people', { authorization: alice }), 'deny');
    t.equal(kind('/people/1', { authorization: alice }), 'allow');
    t.equal(kind('/people/1', { authorization: `${alice}x` }), 'deny');
    t.equal(kind('/people/1', {}), 'deny');
    t.equal(kind('/people', { method: 'POST', authorization: alice, body: { firstname: 'Foo' } }), 'deny');
    t.equal(kind('/people', { method: 'POST', authorization: bob, body: { firstname: 'Foo' } }), 'allow');
    t.equal(kind('/people', { method: 'POST', authorization: bob, body: { firstname: 'BOB' } }), 'deny');
    t.equal(kind('/people', { method: 'POST', authorization: bob }), 'deny', 'no body');
  }
});

test('the primer: an object with every member', { skip }, async (t) => {
  const policy = block('primer.md', 'rego', 'status_code := 200');
  // The page's snippet names one rule more than the page's policy has.
  const snippet = `${block('primer.md', 'rego', 'result["allowed"]')}\nquery_parameters_to_remove := ["debug"]\n`;
  const { attributes } = JSON.parse(block('primer.md', 'json', '"/people",\n')) as PolicyInput;
  const authorization = attributes.request.http.headers['authorization'] ?? '';
  for (const engine of await enginesOf(`${policy}\n${snippet}`, 'envoy/authz/result')) {
    const headers = [
      ['x-ext-auth-allow', 'yes'],
      ['x-validated-by', 'security-checkpoint'],
    ];
    t.match(decide(engine, asking('/people/1', { authorization })), {
      kind: 'allow',
      changes: {
        headers,
        removeHeaders: ['one-auth-header', 'another-auth-header'],
        responseHeaders: [['x-foo', 'bar']],
        query: {
          set: [
            ['tags', 'main-flow'],
            ['tags', 'auth-enabled'],
            ['user-role', 'guest'],
          ],
          remove: ['debug'],
        },
      },
      metadata: '{"foo":"bar"}',
    });
    t.match(decide(engine, asking('/people', { authorization })), {
      kind: 'deny',
      answer: { status: 403, headers, body: 'Unauthorized Request' },
    });
    t.match(decide(engine, asking('/people/1')), {
      kind: 'deny',
      answer: { status: 401, body: 'Authentication Failed' },
      metadata: '{"foo":"bar"}',
    });
  }
});

test('the primer: parsed_path, parsed_query and parsed_body', { skip }, async (t) => {
  const rows = [
    ['allow if input.parsed_path', '/people', '/people/1'],
    ['parsed_query.lang', '/people?lang=en&id=1&id=2', '/people?lang=en&id=2&id=1'],
  ] as const;
  for (const [marks, yes, no] of rows) {
    for (const engine of await enginesOf(block('primer.md', 'rego', marks), 'envoy/authz/allow')) {
      t.equal(decide(engine, asking(yes)).kind, 'allow', yes);
      t.equal(decide(engine, asking(no)).kind, 'deny', no);
    }
  }
  for (const engine of await enginesOf(block('primer.md', 'rego', '.lastname'), 'envoy/authz/allow')) {
    const kind = (body: unknown) => decide(engine, asking('/', { method: 'POST', body })).kind;
    t.equal(kind({ firstname: 'Charlie', lastname: 'Opa' }), 'allow');
    t.equal(kind({ firstname: 'Charlie' }), 'deny');
    t.equal(decide(engine, asking('/')).kind, 'deny');
  }
});

test('Istio: users in Basic credentials', { skip }, async (t) => {
  const basic = (name: string) => `Basic ${Buffer.from(`${name}:password`).toString('base64')}`;
  const { attributes } = JSON.parse(block('tutorial-istio.md', 'json', 'authorization')) as PolicyInput;
  t.equal(attributes.request.http.headers['authorization'], basic('alice'));
  for (const engine of await enginesOf(block('tutorial-istio.md', 'rego', '_user_roles'), 'istio/authz/allow')) {
    const kind = (target: string, name: string) => decide(engine, asking(target, { authorization: basic(name) })).kind;
    t.equal(kind('/productpage', 'alice'), 'allow');
    t.equal(kind('/api/v1/products', 'alice'), 'deny');
    t.equal(kind('/productpage', 'bob'), 'allow');
    t.equal(kind('/api/v1/products', 'bob'), 'allow');
    t.equal(kind('/productpage', 'eve'), 'deny');
    t.equal(decide(engine, asking('/productpage')).kind, 'deny');
  }
});

test('the documented input is a part of ours, member by member', { skip }, (t) => {
  const documented = JSON.parse(block('primer.md', 'json', '"socketAddress": {\n          "address"')) as PolicyInput;
  const { source, destination, request } = documented.attributes;
  const { http } = request;
  const given = facts({
    request: {
      id: http.id,
      timeMs: Date.parse(request.time),
      method: http.method,
      target: http.path,
      path: '/people',
      query: [['lang', 'en']],
      host: http.host,
      protocol: http.protocol,
      headers: Object.entries(http.headers)
        .filter(([name]) => !name.startsWith(':'))
        .flat(),
    },
    pathSegments: ['people'],
    source: endpoint(source),
    destination: { ...facts().destination, ...endpoint(destination) },
    body: { ...validated(documented.parsed_body), bytes: http.size, text: () => http.body ?? '' },
  });
  const ours = JSON.parse(JSON.stringify(buildInput(given))) as object;
  // Milliseconds here, and microseconds there.
  const time = new Date(request.time).toISOString();
  t.has(ours, { ...documented, attributes: { ...documented.attributes, request: { ...request, time } } });
  t.end();
});

function endpoint({ address }: PolicyInput['attributes']['source']): InputFacts['source'] {
  return { ip: address.socketAddress.address, port: address.socketAddress.portValue };
}
