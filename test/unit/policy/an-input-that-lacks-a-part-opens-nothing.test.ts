import fc from 'fast-check';
import { test } from 'tap';
import { parseSpiffeId } from '../../../certs/spiffe-id.ts';
import { buildPolicy } from '../../../policy/compiler/compile.ts';
import { decide } from '../../../policy/decision.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import { wasmEngine } from '../../../policy/engines/wasm.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { compileRules, facts, input, validated } from './policies.ts';

/** In the shape of the OPA-Envoy plugin, with each part of its input; every line of `allowed` is a condition. */
const envoyShaped = `
import input.attributes.request.http

default decision := {"allowed": false, "http_status": 401, "body": "no"}

decision := {"allowed": true, "headers": {"x-user": user}} if {
	http.method == "POST"
	glob.match("/people/*", ["/"], http.path)
	input.parsed_path[0] == "people"
	input.parsed_query.lang == ["en"]
	lower(input.parsed_body.firstname) == "charlie"
	startswith(input.attributes.source.principal, "spiffe://demo.test/")
}

user := name if {
	[_, encoded] := split(http.headers.authorization, " ")
	[name, _] := split(base64url.decode(encoded), ":")
}
`;

const { request, peer } = facts();
const posted = { ...request, method: 'POST', target: '/people/7', path: '/people/7', query: [['lang', 'en']] as const };
const asks = (authorization: string, method = 'POST') =>
  input({
    request: { ...posted, method, headers: ['authorization', authorization, 'x-tag', 'a'] },
    pathSegments: ['people', '7'],
    body: validated({ firstname: 'Charlie', ages: [1, { of: null }] }),
    connection: { ...facts().connection, serverName: 'people.demo.test' },
  });

const route = (name: string) => ({ name, template: '/', parameters: new Map([['id', '7']]) });
const regoFolder = new URL('../../../policy/rego/', import.meta.url).pathname;

const policies = [
  {
    name: 'the default policy',
    bundle: await buildPolicy({
      regoPaths: [regoFolder],
      dataFile: `${regoFolder}example-data.json`,
      entrypoint: 'portcullis/authz/decision',
    }),
    allowed: input({ peer: callerNamed('web'), route: route('orders.read') }),
    denied: input({
      peer: callerNamed('reports'),
      request: { ...request, method: 'PUT' },
      route: route('orders.write'),
    }),
    needed: ['portcullis.peer.spiffe_id', 'portcullis.route.name', 'attributes.request.http.method'],
  },
  {
    name: 'a policy for the OPA-Envoy plugin',
    bundle: await compileRules(envoyShaped),
    allowed: asks('Basic YWxpY2U6cGFzcw=='),
    denied: asks('Basic', 'PUT'),
    needed: [
      'attributes.request.http.method',
      'attributes.request.http.path',
      'attributes.request.http.headers.authorization',
      'attributes.source.principal',
      'parsed_path.0',
      'parsed_query.lang.0',
      'parsed_body.firstname',
    ],
  },
];

function callerNamed(name: string): typeof peer {
  return { ...peer, spiffeId: parseSpiffeId(`spiffe://demo.test/ns/shop/sa/${name}`) };
}

const others: readonly unknown[] = [null, 0, -1, 1e300, '', '\u0000', [], [[]], {}, { a: 1 }, true, false];

/** The paths of all members, those of members included. */
function paths(value: unknown, prefix: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [[...prefix, name], ...paths(member, [...prefix, name])]);
}

type Change = { readonly path: readonly string[]; readonly to: 'missing' | { readonly value: unknown } };

function changed(document: PolicyInput, changes: readonly Change[]): PolicyInput {
  const copy = structuredClone(document);
  for (const { path, to } of changes) {
    let parent: unknown = copy;
    for (const name of path.slice(0, -1)) parent = (parent as Record<string, unknown> | undefined | null)?.[name];
    // An earlier change has taken its parent away.
    if (typeof parent !== 'object' || parent === null) continue;
    const members = parent as Record<string, unknown>;
    const name = path.at(-1) ?? '';
    if (to === 'missing') Reflect.deleteProperty(members, name);
    else members[name] = to.value;
  }
  return copy;
}

// THREATS 1.4, CVE-2026-73547: a request without :path crashed Envoy's authorisation.
for (const { name, bundle, allowed, denied, needed } of policies) {
  const engines = { wasm: wasmEngine(bundle), plan: planEngine(bundle) };
  for (const [engineName, engine] of Object.entries(engines)) {
    const which = `${name}, engine ${engineName}`;
    const kind = (document: PolicyInput) => decide(engine, document).kind;

    test(`${which}: each part missing or of another type in turn`, (t) => {
      t.equal(kind(allowed), 'allow', 'the positive twin');
      t.equal(kind(denied), 'deny');
      const tos: readonly Change['to'][] = ['missing', ...others.map((value) => ({ value }))];
      const opened = (document: PolicyInput, path: readonly string[]) =>
        tos.filter((to) => kind(changed(document, [{ path, to }])) === 'allow').map((to) => ({ path, to }));
      t.same(
        paths(denied).flatMap((path) => opened(denied, path)),
        [],
      );
      const read = paths(allowed).filter((path) => isNeeded(path, needed));
      t.ok(read.length > needed.length, 'what is needed is there');
      t.same(
        read.flatMap((path) => opened(allowed, path)),
        [],
      );
      t.end();
    });

    test(`${which}: any parts at once`, (t) => {
      const to = fc.oneof(
        fc.constant('missing' as const),
        fc.constantFrom(...others).map((value) => ({ value })),
      );
      const changes = fc.array(fc.record({ path: fc.constantFrom(...paths(denied)), to }), { maxLength: 8 });
      fc.assert(
        fc.property(changes, (given) => {
          if (kind(changed(denied, given)) === 'allow') throw new Error('allowed');
        }),
        { numRuns: 300 },
      );
      t.end();
    });
  }
}

/** What is read, or holds something that is. */
function isNeeded(path: readonly string[], needed: readonly string[]): boolean {
  const text = path.join('.');
  return needed.some((each) => each === text || each.startsWith(`${text}.`));
}
