import { test } from 'tap';
import { exchange, requestText } from '../harness/client.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

/** Sets the header that the request names, so that one policy serves every case. */
const rego = `package portcullis.authz

default decision := {"allow": false}

decision := {"allow": true, "headers": {input.parsed_query.set[0]: "by-policy"}} if {
	input.attributes.source.principal == "${clientId}"
}
`;

/** In each spelling that some server reads as the same (CVE-2026-54763 class). */
const spellings = (name: string) => [name, name.toUpperCase(), name.replaceAll('-', '_'), name.replaceAll('-', '.')];

const forbidden = [
  ['who calls, under the configured names', ['x-caller', 'x-caller-cert'].flatMap(spellings)],
  ['who calls, under the default names', [...spellings('x-spiffe-id'), ...spellings('x-forwarded-client-cert')]],
  ['the request id, which is in our record', spellings('x-portcullis-id')],
  [
    'what would override the judged request',
    ['x-http-method-override', 'x-method-override', 'x-original-url', 'x-rewrite-url'].flatMap(spellings),
  ],
  ['where it came from', ['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-real-ip'].flatMap(spellings)],
  ['framing and the connection', ['host', 'content-length', 'transfer-encoding', 'connection', 'te', 'upgrade']],
  ['how the body is read', ['content-type', 'content-encoding']],
] as const;

void test('a header that only the proxy may set makes the decision undecided', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      workload: {
        address: `127.0.0.1:${workload.port}`,
        spiffe_id_header: 'x-caller',
        client_cert_header: 'x-caller-cert',
      },
    },
    files: { 'policy/authz.rego': rego },
  });
  const ask = async (name: string) => {
    const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', `/a?set=${name}`));
    client.close();
    return answer;
  };
  const undecided = 'portcullis_requests_total{route="any",outcome="undecided",code="policy-undecided"}';
  let refused = 0;
  for (const [what, names] of forbidden) {
    await t.test(what, async (t) => {
      for (const name of new Set<string>(names)) {
        t.match(await ask(name), { status: 503, body: /"code":"policy-undecided"/ }, name);
        refused += 1;
        const mine = proxy.audit().filter(({ object }) => (object as { target?: string })?.target === `/a?set=${name}`);
        t.match(mine, [{ type: 'authz.error', reason: 'policy-undecided', detail: /header/ }]);
        t.equal(mine.length, 1);
      }
      t.equal(workload.hits(), 0, 'the workload heard nothing of it');
      t.equal(await proxy.metric(undecided), refused);
    });
  }

  t.equal((await ask('x-tenant'))?.status, 200, 'the positive twin');
  const [sent] = workload.received();
  t.match(sent?.toString('latin1'), /\r\nx-tenant: by-policy\r\n/);
  t.match(sent?.toString('latin1'), new RegExp(`\r\nx-caller: ${clientId}\r\n`));
  t.equal(workload.hits(), 1);
  t.equal(await proxy.stop(), 0);
});
