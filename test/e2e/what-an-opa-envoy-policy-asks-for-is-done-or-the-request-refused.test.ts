import { test } from 'tap';
import { parseAnswers } from '../harness/answers.ts';
import { connectRaw, exchange, requestText } from '../harness/client.ts';
import { type AuditRecord, startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

/** What the policy answers under a name of its own, which is the first segment of the path. */
const results = {
  plain: '{"allowed": true}',
  no: '{"allowed": false}',
  headers: '{"allowed": true, "headers": {"X-Role": "admin", "x-tag": ["a", "b"]}}',
  lists: '{"allowed": true, "headers": [{"x-role": "admin"}, {"x-role": "auditor"}]}',
  remove: '{"allowed": true, "request_headers_to_remove": ["X-Secret", "authorization"]}',
  add: '{"allowed": true, "response_headers_to_add": {"Set-Cookie": ["a=1", "b=2"], "x-policy": "seen"}}',
  query:
    '{"allowed": true, "query_parameters_to_set": {"role": "a b&c", "tag": ["1", "2"]}, "query_parameters_to_remove": ["debug"]}',
  unused: '{"allowed": true, "http_status": 200, "body": "not sent"}',
  metadata: '{"allowed": true, "dynamic_metadata": {"tenant": "blue", "level": 2}}',
  status: '{"allowed": false, "http_status": 429}',
  denial:
    '{"allowed": false, "http_status": 401, "headers": {"WWW-Authenticate": ["Bearer", "Basic"]}, "body": "Who are you?", "dynamic_metadata": {"why": "no token"}}',
  page: '{"allowed": false, "headers": {"Content-Type": "text/html", "Cache-Control": "private"}, "body": "<p>no</p>"}',
  empty: '{"allowed": false, "body": ""}',
  login: '{"allowed": false, "http_status": 302, "headers": {"Location": "https://login.test/"}}',
  mute: '{"allowed": false, "headers": {"content-type": "text/html"}}',
};

const thousand = '{name: "x" | some i in numbers.range(1, 1000); name := concat("", ["x-", format_int(i, 10)])}';

/** Neither verdict of these is carried out. */
const undecided: readonly string[] = [
  ...[
    'host',
    'Content-Length',
    'transfer-encoding',
    'connection',
    'upgrade',
    'te',
    'x-spiffe-id',
    'X_Spiffe_Id',
  ].flatMap((name) => [
    `{"allowed": true, "headers": {"${name}": "1"}}`,
    `{"allowed": true, "request_headers_to_remove": ["${name}"]}`,
    `{"allowed": true, "response_headers_to_add": {"${name}": "1"}}`,
    `{"allowed": false, "headers": {"${name}": "1"}}`,
  ]),
  ...['content-type', 'content-encoding', 'x-forwarded-for', 'x-http-method-override', ':path', '__proto__'].flatMap(
    (name) => [
      `{"allowed": true, "headers": {"${name}": "1"}}`,
      `{"allowed": true, "request_headers_to_remove": ["${name}"]}`,
    ],
  ),
  ...['content-type', 'content-encoding', 'location', 'etag', 'date', 'x-portcullis-id', '__proto__'].map(
    (name) => `{"allowed": true, "response_headers_to_add": {"${name}": "1"}}`,
  ),
  ...['content-encoding', 'date', 'x-portcullis-id', '__proto__'].map(
    (name) => `{"allowed": false, "headers": {"${name}": "1"}}`,
  ),
  '{"allowed": true, "headers": {"authorization": ["a", "b"]}}',
  '{"allowed": false, "headers": {"content-type": ["a/b", "c/d"]}}',
  '{"allowed": true, "headers": {"x-a": "b\\r\\nx-c: d"}}',
  '{"allowed": true, "response_headers_to_add": {"x-a": "b\\r\\n\\r\\nHTTP/1.1 200 OK"}}',
  '{"allowed": false, "headers": {"x-a": "b\\nc"}}',
  '{"allowed": false, "headers": {"x-a\\r\\nb": "c"}}',
  ...['99', '100', '200', '204', '304', '600', '1e9', '"403"', '403.5', 'null'].map(
    (status) => `{"allowed": false, "http_status": ${status}}`,
  ),
  '{"allowed": false, "body": ["x"]}',
  '{"allowed": false, "body": concat("", ["x" | some _ in numbers.range(1, 70000)])}',
  `{"allowed": true, "headers": ${thousand}}`,
  `{"allowed": false, "headers": ${thousand}}`,
  '{"allowed": true, "__proto__": {}}',
  '{"allowed": true, "allow": true}',
  '{"allowed": true, "reasons": []}',
  '{"allowed": "true"}',
  '{"allowed": true, "dynamic_metadata": []}',
  '{"allowed": true, "query_parameters_to_set": {"a": "b\\r\\n"}}',
  '{"allowed": true, "query_parameters_to_set": {"a": 1}}',
  '{"allowed": true, "headers": {"x-a": "1"}, "request_headers_to_remove": ["X-A"]}',
];

const rego = [
  'package envoy.authz',
  ...Object.entries(results).map(([name, result]) => `result := ${result} if input.parsed_path[0] == "${name}"`),
  ...undecided.map((result, index) => `result := ${result} if input.parsed_path[0] == "undecided-${index}"`),
].join('\n\n');

void test('a policy with the results of the OPA-Envoy plugin', async (t) => {
  const workload = await startWorkload((_, __, response) => {
    response.setHeader('set-cookie', 'own=0');
    response.end('ok');
  });
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    files: { 'policy/authz.rego': rego },
    config: { policy: { rego: './policy', entrypoint: 'envoy/authz/result' } },
  });
  const ask = async (target: string, headers: readonly string[] = [], method = 'GET', body = '') => {
    const before = workload.hits();
    const { answer, text, client } = await exchange(
      proxy.port,
      proxy.client,
      requestText(method, target, headers, body),
    );
    client.close();
    const records = proxy
      .audit()
      .filter(({ object }) => (object as { target?: string } | undefined)?.target === target);
    const sent = workload.received().at(-1)?.toString('latin1') ?? '';
    return { answer, text, sent: workload.hits() === before ? '' : sent, record: records.at(-1) as AuditRecord };
  };

  await t.test('headers are set on the request, in place of what the client sent in any spelling', async (t) => {
    const forged = ['X-Role: root', 'x.role: root', 'x-tag: c'];
    const { answer, sent } = await ask('/headers/a', forged);
    t.equal(answer?.status, 200);
    t.match(sent, /\r\nx-role: admin\r\nx-tag: a\r\nx-tag: b\r\n/);
    t.notMatch(sent, /root|x-tag: c/);
    t.match((await ask('/lists/a')).sent, /\r\nx-role: admin\r\nx-role: auditor\r\n/);
    t.match((await ask('/plain/a', forged)).sent, /x-role: root[^]*x\.role: root/i, 'the negative twin');
  });

  await t.test('headers are removed from the request', async (t) => {
    const secret = ['X-Secret: 1', 'x.secret: 2', 'authorization: Bearer 3', 'x-other: 4'];
    const { answer, sent } = await ask('/remove/a', secret);
    t.equal(answer?.status, 200);
    t.match(sent, /\r\nx-other: 4\r\n/);
    t.notMatch(sent, /secret|authorization/i);
    t.match((await ask('/plain/b', secret)).sent, /x-secret: 1[^]*authorization: Bearer 3/i, 'the negative twin');
  });

  await t.test('headers are added to the answer, behind those of the workload', async (t) => {
    const { text } = await ask('/add/a');
    t.match(
      text,
      /^HTTP\/1\.1 200 [^]*set-cookie: own=0\r\n[^]*set-cookie: a=1\r\nset-cookie: b=2\r\nx-policy: seen\r\n/,
    );
    t.equal(text.match(/content-length/gi)?.length ?? 0, text.includes('chunked') ? 0 : 1);
    t.notMatch((await ask('/plain/c')).text, /x-policy|a=1/, 'the negative twin');
  });

  await t.test('query parameters are set and removed; the record says what was sent', async (t) => {
    const { sent, record } = await ask('/query/a?role=root&%72ole=root&keep=%2f+x&debug=1&debug');
    t.match(sent, /^GET \/query\/a\?keep=%2f\+x&role=a%20b%26c&tag=1&tag=2 HTTP/m);
    t.match(record, { object: { sent_target: '/query/a?keep=%2f+x&role=a%20b%26c&tag=1&tag=2' } });
    const plain = await ask('/plain/d?role=root&debug=1');
    t.match(plain.sent, /^GET \/plain\/d\?role=root&debug=1 HTTP/m);
    t.notOk(Object.hasOwn(plain.record['object'] as object, 'sent_target'));
  });

  await t.test('what is for denials does nothing to an allowed request; metadata is in the record', async (t) => {
    const { answer } = await ask('/unused/a');
    t.match(answer, { status: 200, body: 'ok' });
    t.equal((await ask('/metadata/a')).record['metadata'], '{"level":2,"tenant":"blue"}');
    t.notOk('metadata' in (await ask('/plain/e')).record);
  });

  await t.test('a denial has the status, headers and body that policy gave it', async (t) => {
    const { answer, text, sent, record } = await ask('/denial/a');
    t.match(answer, { status: 401, body: 'Who are you?' });
    t.match(text, /\r\nwww-authenticate: Bearer\r\nwww-authenticate: Basic\r\n/);
    t.match(Object.fromEntries(answer?.headers ?? []), {
      'content-type': 'text/plain',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'content-length': '12',
      connection: 'keep-alive',
      'x-portcullis-id': /^[0-9a-f-]{36}$/,
    });
    t.equal(sent, '', 'the workload heard nothing of it');
    t.match(record, { type: 'authz.deny', reason: 'forbidden', status: 401, metadata: '{"why":"no token"}' });
    const page = await ask('/page/a');
    t.match(page.answer, { status: 403, body: '<p>no</p>' });
    t.match(page.text, /cache-control: private\r\ncontent-type: text\/html\r\n/);
    t.notMatch(page.text, /text\/plain|no-store/);
    t.match((await ask('/login/a')).text, /^HTTP\/1\.1 302 [^]*\r\nlocation: https:\/\/login\.test\/\r\n/);
    for (const name of ['empty', 'mute']) t.match((await ask(`/${name}/a`)).answer, { status: 403, body: '' }, name);
  });

  await t.test('a denial without a body says what every denial says, with the status that policy gave', async (t) => {
    const limited = (await ask('/status/a')).answer;
    t.match(limited, { status: 429, body: /"status":429,"code":"forbidden"/ });
    t.equal(limited?.headers.get('content-type'), 'application/problem+json');
    t.match((await ask('/no/a')).answer, { status: 403, body: /"code":"forbidden"/ });
  });

  await t.test('the connection goes on after a denial, and HEAD has no body', async (t) => {
    const client = await connectRaw(proxy.port, proxy.client);
    const methods = ['HEAD', 'GET', 'HEAD', 'GET'];
    const targets = ['/denial/k', '/denial/k', '/login/k', '/plain/k'];
    client.write(methods.map((method, index) => requestText(method, targets[index] ?? '')).join(''));
    const text = await client.until((soFar) => soFar.split('HTTP/1.1 ').length === 5 && soFar.includes('ok'));
    const answers = parseAnswers(text, methods);
    t.match(answers, [
      { status: 401, body: '' },
      { status: 401, body: 'Who are you?' },
      { status: 302, body: '' },
      { status: 200 },
    ]);
    t.equal(answers[0]?.headers.get('content-length'), '12');
    client.close();
    t.match((await exchange(proxy.port, proxy.client, 'GET /denial/k HTTP/1.0\r\nHost: localhost\r\n\r\n')).answer, {
      status: 505,
    });
  });

  await t.test('what was not read of a body is never the next request, whoever wrote the denial', async (t) => {
    const unfinished = `${requestText('POST', '/denial/p', ['Content-Length: 9999'])}${requestText('GET', '/plain/p')}`;
    const { text, client } = await exchange(proxy.port, proxy.client, unfinished);
    t.match(text, /^HTTP\/1\.1 401 [^]*connection: close/);
    t.equal((await client.untilClosed()).split('HTTP/1.1 ').length, 2);
  });

  await t.test('what cannot be carried out to the letter refuses the request', async (t) => {
    const before = workload.hits();
    for (const [index, result] of undecided.entries()) {
      const { answer, text, record } = await ask(`/undecided-${index}/a`);
      t.match(answer, { status: 503, body: /"code":"policy-undecided"/ }, result);
      t.match(record, { type: 'authz.error', reason: 'policy-undecided', detail: /./ });
      t.notMatch(text, /x-c: d|200 OK/);
    }
    t.equal(workload.hits(), before, 'the workload heard nothing of it');
  });

  t.equal(proxy.log().includes('exchange.bug'), false);
  t.equal(await proxy.stop(), 0);
});
