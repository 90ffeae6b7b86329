import { test } from 'tap';
import { exchange, requestText } from '../harness/client.ts';
import { documentedBlocks, noDocumentation } from '../harness/opa-documentation.ts';
import { startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const page = 'tutorial-standalone-envoy.md';
const [rego] = documentedBlocks(page, 'rego') ?? [];

const person = (firstname: string) => JSON.stringify({ firstname, lastname: 'Bar' });

void test('alice and bob', { skip: rego === undefined && noDocumentation }, async (t) => {
  const shell = (documentedBlocks(page, 'shell') ?? []).join('\n');
  const token = (name: string) => new RegExp(`export ${name}_TOKEN="([^"]+)"`).exec(shell)?.[1] ?? 'missing';
  const alice = token('ALICE');
  const bob = token('BOB');
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    files: { 'policy/authz.rego': rego ?? '', 'person.json': '{"type": "object", "additionalProperties": true}' },
    config: {
      policy: { rego: './policy', entrypoint: 'envoy/authz/allow' },
      routes: [
        { name: 'read', methods: ['GET'], path: '/people' },
        { name: 'write', methods: ['POST'], path: '/people', body: { 'application/json': './person.json' } },
      ],
    },
  });
  const rows = [
    ['alice lists', alice, undefined, 200],
    ['bob lists', bob, undefined, 200],
    ['alice creates', alice, person('Foo'), 403],
    ['bob creates', bob, person('Foo'), 200],
    ['bob creates a bob', bob, person('Bob'), 403],
    ['bob, with a changed signature', bob.replace(/..$/, 'AA'), undefined, 403],
  ] as const;
  for (const [what, bearer, body, status] of rows) {
    const before = workload.hits();
    const headers = [
      `Authorization: Bearer ${bearer}`,
      ...(body === undefined ? [] : ['Content-Type: application/json']),
    ];
    const text = requestText(body === undefined ? 'GET' : 'POST', '/people', headers, body);
    const { answer, client } = await exchange(proxy.port, proxy.client, text);
    client.close();
    t.equal(answer?.status, status, what);
    t.equal(workload.hits() - before, status === 200 ? 1 : 0);
  }
  t.equal(await proxy.stop(), 0);
});
