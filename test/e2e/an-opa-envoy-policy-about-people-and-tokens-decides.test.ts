import { createHmac } from 'node:crypto';
import { test } from 'tap';
import { exchange, requestText } from '../harness/client.ts';
import { startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

/** What the example of the plugin's documentation uses: a shared secret, base64url, globs, the body; and more members. */
const rego = `package people.access

import input.attributes.request.http

default verdict := {"allowed": false, "body": "Not with this role.\\n"}

verdict := {
	"allowed": false,
	"http_status": 401,
	"headers": {"WWW-Authenticate": "Bearer"},
	"body": "A valid token, please.\\n",
} if {
	not claims
}

verdict := {
	"allowed": true,
	"headers": {"x-user": caller, "x-role": claims.role},
	"request_headers_to_remove": ["authorization"],
	"response_headers_to_add": {"x-decided-for": caller},
	"dynamic_metadata": {"user": caller},
} if {
	http.method in data.methods[claims.role]
	some pattern in ["/people", "/people/*"]
	glob.match(pattern, ["/"], split(http.path, "?")[0])
	not names_itself
}

names_itself if lower(input.parsed_body.firstname) == caller

caller := base64url.decode(claims.sub)

claims := payload if {
	["Bearer", compact] = split(http.headers.authorization, " ")
	wanted := {"secret": data.secret, "alg": "HS256", "time": time.now_ns()}
	[true, _, payload] = io.jwt.decode_verify(compact, wanted)
}
`;

const encode = (value: object | string) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const secret = 'a secret for this test and no other';

function token(name: string, role: string, { alg = 'HS256', key = secret, exp = 4_000_000_000 } = {}): string {
  const signed = `${encode({ alg, typ: 'JWT' })}.${encode({ sub: encode(name), role, nbf: 1_500_000_000, exp })}`;
  return `Bearer ${signed}.${alg === 'none' ? '' : createHmac('sha256', key).update(signed).digest('base64url')}`;
}

const person = (firstname: string) => JSON.stringify({ firstname, lastname: 'Bar' });
const alice = token('alice', 'guest');
const bob = token('bob', 'admin');

type Row = readonly [what: string, status: number, authorization: string | undefined, target: string, body?: string];

const rows: readonly Row[] = [
  ['a guest reads', 200, alice, '/people'],
  ['a guest reads one', 200, alice, '/people/7?fields=name'],
  ['a guest does not write', 403, alice, '/people', person('Foo')],
  ['an admin reads', 200, bob, '/people'],
  ['an admin writes', 200, bob, '/people', person('Foo')],
  ['nobody writes a namesake', 403, bob, '/people', person('Bob')],
  ['nothing else is served', 403, bob, '/people/7/salary'],
  ['nobody without a token', 401, undefined, '/people'],
  ['nobody with another scheme', 401, `Basic ${encode('bob:secret')}`, '/people'],
  ['nobody with half a token', 401, bob.slice(0, -4), '/people'],
  ['nobody with the signature of somebody else', 401, token('bob', 'admin', { key: 'guessed' }), '/people'],
  ['nobody without a signature', 401, token('bob', 'admin', { alg: 'none' }), '/people'],
  ['nobody after its end', 401, token('bob', 'admin', { exp: 1_600_000_000 }), '/people'],
  ['nobody with a role that there is not', 403, token('eve', '__proto__'), '/people'],
];

void test('people, their tokens and their roles', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    files: {
      'policy/authz.rego': rego,
      'data.json': JSON.stringify({ secret, methods: { guest: ['GET'], admin: ['GET', 'POST'] } }),
      'person.json': JSON.stringify({ type: 'object', required: ['firstname'], additionalProperties: true }),
    },
    config: {
      policy: { rego: './policy', data: './data.json', entrypoint: 'people/access/verdict' },
      routes: [
        { name: 'read', methods: ['GET'], path: '/people/{rest...}' },
        { name: 'list', methods: ['GET'], path: '/people' },
        { name: 'write', methods: ['POST'], path: '/people', body: { 'application/json': './person.json' } },
      ],
    },
  });
  for (const [what, status, authorization, target, body] of rows) {
    const before = workload.hits();
    const headers = [
      ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
      ...(body === undefined ? [] : ['Content-Type: application/json']),
      'x-user: admin',
    ];
    const text = requestText(body === undefined ? 'GET' : 'POST', target, headers, body);
    const { answer, client } = await exchange(proxy.port, proxy.client, text);
    client.close();
    t.equal(answer?.status, status, what);
    t.equal(workload.hits() - before, status === 200 ? 1 : 0, 'the workload saw it only when it was allowed');
    if (status === 401) {
      t.equal(answer?.headers.get('www-authenticate'), 'Bearer');
      t.equal(answer?.body, 'A valid token, please.\n');
    }
    if (status !== 200) continue;
    const user = authorization === bob ? 'bob' : 'alice';
    const sent = workload.received().at(-1)?.toString('latin1') ?? '';
    t.match(sent, new RegExp(`\r\nx-user: ${user}\r\n`));
    t.notMatch(sent, /Bearer|x-user: admin/);
    t.equal(answer?.headers.get('x-decided-for'), user);
    const records = proxy.audit().filter((record) => record['metadata'] === `{"user":"${user}"}`);
    t.match(records.at(-1), { type: 'authz.allow', object: { target } });
  }
  t.equal(await proxy.stop(), 0);
});
