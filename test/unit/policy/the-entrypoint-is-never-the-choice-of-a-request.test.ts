import { test } from 'tap';
import { makeBundle } from '../../../policy/bundle/bundle.ts';
import { decide } from '../../../policy/decision.ts';
import { openEngine } from '../../../policy/engines/select.ts';
import { defaultSettings, type EngineName } from '../../../policy/engines/settings.ts';
import { planOf, local, statement, word } from '../plan/made-by-hand.ts';
import { fakeOpaModule } from './fake-opa-module.ts';
import { facts, input, validated } from './policies.ts';

const verdict = (value: boolean) => [
  statement('MakeObjectStmt', { target: 2 }),
  statement('ObjectInsertStmt', { key: word(0), value: { type: 'bool', value }, object: 2 }),
  statement('ResultSetAddStmt', { value: local(2).value }),
];

/** With a second entrypoint that allows everybody; the evaluation of the module gives the address 128 + 64 * entrypoint. */
const bundle = makeBundle({
  plan: planOf({ entrypoints: { 'test/admin': verdict(true), 'test/decision': verdict(false) }, words: ['result'] }),
  wasm: fakeOpaModule({
    evaluate: [0x20, 1, 0x41, 6, 0x74, 0x41, 0x80, 1, 0x6a],
    texts: { 16: '{"test/decision":0,"test/admin":1}', 128: '{{"result":false}}', 192: '{{"result":true}}' },
  }),
  data: {},
  entrypoint: 'test/decision',
  requiredBuiltins: [],
});

const { request } = facts();
const asking = [
  ...['/v1/data/test/admin', '/test/admin', '/v1/data/test%2Fadmin', '/v1/data/x":true}or{"'].map((path) =>
    input({ request: { ...request, path, target: path }, pathSegments: path.split('/').slice(1) }),
  ),
  input({
    request: {
      ...request,
      query: [
        ['entrypoint', 'test/admin'],
        ['path', 'test/admin'],
      ],
    },
  }),
  input({ request: { ...request, headers: ['x-opa-path', 'test/admin', 'entrypoint', '1'] } }),
  input({ request: { ...request, host: 'test/admin' } }),
  input({ body: validated({ entrypoint: 'test/admin', path: 'test/admin', input: {}, query: 'data.test.admin' }) }),
  input({ route: { name: 'test/admin', template: '/test/admin', parameters: new Map([['entrypoint', '1']]) } }),
];

// CVE-2025-46569: OPA's server made a query out of the path of a request.
for (const engine of ['plan', 'wasm'] as const satisfies readonly EngineName[]) {
  test(`${engine}: whatever a request says, the entrypoint of the configuration decides`, async (t) => {
    const open = (entrypoint: string) =>
      openEngine(makeBundle({ ...bundle, entrypoint }), { ...defaultSettings, engine });
    for (const document of asking) {
      t.equal(decide(await open('test/decision'), document).kind, 'deny');
      t.equal(decide(await open('test/admin'), document).kind, 'allow', 'the other one is there');
    }
    await t.rejects(open('test/none'), {
      code: 'entrypoint-missing',
      message: /named test\/none; the policy has test\/(decision|admin), test/,
    });
  });
}
