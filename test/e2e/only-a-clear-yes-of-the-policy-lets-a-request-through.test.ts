import { test } from 'tap';
import { exchange, requestText } from '../harness/client.ts';
import { clientId, startProxy, strangerId } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

type Verdict = { readonly result: string; readonly status: number; readonly code?: string };

const undecided = { status: 503, code: 'policy-undecided' } as const;

const denied =
  '{"allow": false, "rule": "r", "reasons": ["because"], "obligations": [{"type": "audit-note", "note": "tried"}]}';

/** Each is what the policy says when it is asked for the path of the same index. */
const verdicts: readonly Verdict[] = [
  { result: 'true', status: 200 },
  { result: '{"allow": true}', status: 200 },
  { result: '{"allow": true, "headers": {"x-tenant": "blue"}}', status: 200 },
  { result: '{"allow": true, "obligations": [{"type": "audit-note", "note": "seen"}]}', status: 200 },
  { result: 'false', status: 403, code: 'forbidden' },
  { result: '{"allow": false, "rule": "r", "reasons": ["because"]}', status: 403, code: 'forbidden' },
  // What is not a clear answer is none (CVE-2023-27488).
  { result: '"true"', ...undecided },
  { result: '1', ...undecided },
  { result: 'null', ...undecided },
  { result: '[true]', ...undecided },
  { result: '{true}', ...undecided },
  { result: '{}', ...undecided },
  { result: '{"allow": "true"}', ...undecided },
  { result: '{"allow": true, "allowed": true}', ...undecided },
  { result: '{"allow": true, "reasons": "because"}', ...undecided },
  { result: '{"allow": 1 / (1 - 1)}', ...undecided },
  // What may not be set, or is not understood, is not left out.
  { result: '{"allow": true, "headers": {"host": "evil"}}', ...undecided },
  { result: '{"allow": true, "headers": {"content-length": "0"}}', ...undecided },
  { result: '{"allow": true, "headers": {"transfer-encoding": "chunked"}}', ...undecided },
  { result: '{"allow": true, "headers": {"x-spiffe-id": "spiffe://test.example/admin"}}', ...undecided },
  { result: '{"allow": true, "headers": {"X-Tenant": "blue"}}', ...undecided },
  { result: '{"allow": true, "headers": {"x-a": "b\\r\\nx-c: d"}}', ...undecided },
  { result: '{"allow": true, "obligations": [{"type": "encrypt"}]}', ...undecided },
  { result: '{"allow": true, "obligations": ["audit-note"]}', ...undecided },
  { result: '{"allow": true, "obligations": [{"type": "audit-note", "note": "n", "severity": "page"}]}', ...undecided },
  { result: '{"allow": true, "obligations": [{"type": "audit-note", "note": 1}]}', ...undecided },
  { result: `{"allow": true, "obligations": [{"type": "audit-note", "note": "${'n'.repeat(2049)}"}]}`, ...undecided },
  { result: '{"allow": false, "obligations": [{"type": "lock-account"}]}', ...undecided },
  { result: '{"allow": false, "obligations": [{"type": "audit-note", "severity": "page"}]}', ...undecided },
  { result: denied, status: 403, code: 'forbidden' },
];

/** For one path there are two: none of them counts. */
const twoResults: Verdict = { result: 'true, and false', ...undecided };

const rego = [
  'package portcullis.authz',
  ...verdicts.map(({ result }, index) => `decision := ${result} if input.parsed_path[0] == "v${index}"`),
  'decision := true if input.parsed_path[0] == "both"',
  'decision := {"allow": false} if input.parsed_path == ["both"]',
].join('\n\n');

void test('what a policy says, and what becomes of it', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    files: { 'policy/authz.rego': rego },
    config: { explain_to: [clientId] },
  });
  const other = await proxy.issue(strangerId);
  const paths = [...verdicts.keys()].map((index) => `/v${index}`);
  // Undefined: no rule speaks of this path.
  for (const [path, verdict] of [...paths.entries()]
    .map(([index, at]) => [at, verdicts[index]] as const)
    .concat([
      ['/unheard-of', { result: 'undefined', ...undecided }],
      ['/both', twoResults],
    ])) {
    const { result, status, code } = verdict ?? { result: '', status: 0 };
    const before = workload.hits();
    const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', path));
    t.equal(answer?.status, status, result);
    t.equal(workload.hits() - before, status === 200 ? 1 : 0, 'the workload saw it only when it was allowed');
    const records = proxy.audit().filter((record) => (record['object'] as { target?: string })?.target === path);
    t.match(records, [{ status, ...(code === undefined ? { type: 'authz.allow' } : { reason: code }) }]);
    t.equal(records.length, 1);
    if (code !== undefined) t.match(JSON.parse(answer?.body ?? '{}'), { code });
    client.close();
  }
  const asked = workload
    .received()
    .map((bytes) => bytes.toString('latin1'))
    .join('');
  t.match(asked, /GET \/v2 HTTP\/1\.1\r\n(?:[^\r]+\r\n)*x-tenant: blue\r\n/);
  t.match(
    proxy.audit().find(({ detail }) => detail === 'seen'),
    { type: 'authz.allow' },
  );
  const target = `/v${verdicts.findIndex(({ result }) => result === denied)}`;
  t.match(
    proxy.audit().find(({ object }) => (object as { target?: string } | undefined)?.target === target),
    { reason: 'forbidden', rule: 'r', detail: 'tried; because' },
    'a denial has its notes on record',
  );
  const noted = await exchange(proxy.port, proxy.client, requestText('GET', target));
  t.notMatch(noted.answer?.body, 'tried', 'and only there');
  noted.client.close();

  const explained = await exchange(proxy.port, proxy.client, requestText('GET', '/v5'));
  t.match(JSON.parse(explained.answer?.body ?? '{}'), { code: 'forbidden', rule: 'r', reasons: ['because'] });
  const plain = await exchange(proxy.port, other, requestText('GET', '/v5'));
  t.notMatch(plain.answer?.body, /because|"rule"|reasons|detail/, 'nobody else learns why');
  explained.client.close();
  plain.client.close();
  t.equal(await proxy.stop(), 0);
});
