import { type Test, test } from 'tap';
import { replaceFile, untilInForce } from '../harness/change-files.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const rego = `package portcullis.authz

default decision := {"allow": false}

decision := {"allow": true} if {
	input.attributes.source.principal == "${clientId}"
	data.members.last == input.parsed_path[0]
}
`;

/** Many small values: they cost far more than a long text of the same size, to copy, to parse and to keep. */
const data = (last: string, count: number, numbers = 0) => {
  const members: Record<string, unknown> = { last };
  for (let index = 0; index < count; index += 1) members[`member-${index}`] = { role: 'r', number: index };
  return JSON.stringify({ members, numbers: Array.from({ length: numbers }, () => 1) });
};

void test('a thread that takes in a large snapshot for longer than a thread may stand still', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      threads: 2,
      // WebAssembly has to take in all of the data; the plan engine reads it where it lies.
      policy: { rego: './policy', data: './data.json', engine: 'wasm' },
      // Each of these reloads takes longer on any machine; a shorter limit would be met by a busy one without them.
      limits: { stall: '1s', keep_alive: '10m' },
    },
    files: { 'policy/authz.rego': rego, 'data.json': data('first', 1) },
  });
  const kept = await keepConnection(proxy.port, proxy.client);
  t.equal((await kept.ask('/first')).status, 200);
  const unharmed = (t: Test) =>
    t.same(
      proxy.audit().filter(({ type }) => type === 'thread.replaced'),
      [],
      'no thread was taken for stuck',
    );

  await t.test('one that comes into force', async (t) => {
    await untilInForce(proxy, () => replaceFile(proxy, 'data.json', data('second', 300_000)));
    t.equal((await kept.ask('/second')).status, 200, 'on the same connection');
    t.equal((await kept.ask('/first')).status, 403);
    unharmed(t);
  });

  await t.test('one that is refused in the end: it does not fit into the memory of the policy', async (t) => {
    replaceFile(proxy, 'data.json', data('third', 1, 5_500_000));
    // A thread that takes longer than it is waited for is tried again.
    const rejected = await proxy.untilRecord(
      ({ type, reason }) => type === 'policy.reject' && reason !== 'thread-busy',
    );
    t.match(rejected, { outcome: 'deny', reason: 'policy-too-large' });
    t.equal((await kept.ask('/second')).status, 200, 'on the same connection, by the old data');
    unharmed(t);
  });
  kept.client.close();
  t.equal(await proxy.stop(), 0);
});
