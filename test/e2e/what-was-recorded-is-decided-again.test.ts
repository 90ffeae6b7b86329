import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { recordedInputs } from '../../bench/policy/inputs/recorded.ts';
import type { BenchResult } from '../../bench/result.ts';
import { connectRaw, requestText } from '../harness/client.ts';
import { portcullisIn } from '../harness/command.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

/** Decides by all that a record has, so that an input that was made otherwise would be decided otherwise. */
const rego = `package portcullis.authz

default decision := {"allow": false}

decision := {"allow": true, "rule": "as asked"} if {
	input.attributes.request.http.method == "GET"
	input.attributes.request.http.headers[":path"] == "/orders/7?colour=blue"
	input.attributes.source.principal == "${clientId}"
	input.parsed_query.colour == ["blue"]
	input.portcullis.route.parameters.id == "7"
	startswith(input.portcullis.peer.issuer, "")
	input.portcullis.connection.tls_version == "TLSv1.3"
	input.attributes.request.http.protocol == "HTTP/1.1"
}
`;
const headers = `package portcullis.authz

decision := {"allow": true} if input.attributes.request.http.headers.authorization
`;

test('bench policy --recorded', async (t) => {
  const workload = await startWorkload((_request, _body, response) => response.end('{}'));
  t.teardown(workload.close);
  const routes = [{ name: 'read', methods: ['GET'], path: '/orders/{id}' }];
  const files = { 'policy/authz.rego': rego };
  const proxy = await startProxy(t, { workloadPort: workload.port, config: { routes }, files });
  const client = await connectRaw(proxy.port, proxy.client);
  t.teardown(client.close);
  client.write(requestText('GET', '/orders/7?colour=blue'));
  await client.until((text) => text.endsWith('{}'));
  client.write(requestText('GET', '/orders/7?colour=blue'));
  await client.until((text) => text.split('{}').length === 3);
  client.write(requestText('GET', '/elsewhere'));
  await client.until((text) => text.includes('no-route'));
  await proxy.stop();

  const fixed = ['bench', 'policy', '-c', 'portcullis.yaml', '--rounds', '1', '--engine', 'plan'];
  const bench = (...words: readonly string[]) => portcullisIn(proxy.folder, ...fixed, ...words);

  await t.test('what the policy was asked is what it is asked again', async (t) => {
    const { status, stdout, stderr } = bench('--recorded', 'audit', '--json', '-');
    t.same([status, stderr], [0, '']);
    const { scenario, subjects } = JSON.parse(stdout) as BenchResult;
    // What never reached the policy is left out.
    t.equal(scenario, 'portcullis/authz/decision, 2 inputs on record');
    const rule = subjects.find(({ name }) => name === 'portcullis, plan')?.extra[0]?.name;
    // The last line of the body is only reached when all before it hold.
    t.match(rule, /^slowest rule: data\.portcullis\.authz\.decision at policy\/authz\.rego:\d+/);
  });

  await t.test('of more than can be asked, how many are left out is counted', async (t) => {
    const { inputs, more } = await recordedInputs(join(proxy.folder, 'audit'), 1);
    t.same([inputs.length, more], [1, 1]);
  });

  await t.test('a policy that reads what no record has', async (t) => {
    mkdirSync(join(proxy.folder, 'headers'));
    writeFileSync(join(proxy.folder, 'headers', 'authz.rego'), headers);
    const config = JSON.parse(readFileSync(join(proxy.folder, 'portcullis.yaml'), 'utf8')) as object;
    writeFileSync(join(proxy.folder, 'portcullis.yaml'), JSON.stringify({ ...config, policy: { rego: './headers' } }));
    const { status, stdout, stderr } = bench('--recorded', 'audit');
    t.same([status, stdout], [3, '']);
    t.match(stderr, /^error\[bench-input-lacking\]: /);
    t.match(stderr, /reads input\.attributes\.request\.http\.headers\.authorization, which is on no audit record/);
    t.match(stderr, /measure with `--input FILE`/);
  });
});
