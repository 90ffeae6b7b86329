import { gzipSync, brotliCompressSync } from 'node:zlib';
import { test } from 'tap';
import { type Answer, connectRaw, exchange, parseAnswer, requestText } from '../harness/client.ts';
import { startProxy, type TestProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const capBytes = 1000;

const schema = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    items: {
      type: 'array',
      items: { type: 'object', properties: { n: { type: 'number' } }, additionalProperties: false },
    },
    text: { type: 'string' },
  },
  required: ['id'],
  additionalProperties: false,
};

type Case = {
  readonly name: string;
  readonly body?: string | Buffer;
  /** Given instead of `Content-Type: application/json`. */
  readonly headers?: readonly string[];
  readonly target?: string;
  readonly status: number;
  readonly code?: string;
  readonly pointer?: string;
  /** Of the record. */
  readonly detail?: string;
};

const json = ['Content-Type: application/json'];
const passes = { status: 200 } as const;
const malformed = { status: 400, code: 'malformed-json' } as const;
const media = { status: 415, code: 'unsupported-media-type' } as const;
/** Before there is a route: not counted under its name. */
const repeated = 'content-type is given twice';
const good = '{"id":1}';
const sized = (bytes: number) => `{"id":1,"text":"${'x'.repeat(bytes - 18)}"}`;

const cases: readonly Case[] = [
  { name: 'a body that matches', body: good, ...passes },
  { name: 'odd white space and order of members', body: '\t{ "text" :"\\u00e9/" ,\r\n  "id":\t1.0e0 }\n ', ...passes },
  { name: 'exactly at the cap', body: sized(capBytes), ...passes },
  { name: 'one byte over the cap', body: sized(capBytes + 1), status: 413, code: 'body-too-large' },
  {
    name: 'no body where one is demanded',
    headers: [...json, 'Content-Length: 0'],
    status: 422,
    code: 'schema-violation',
  },

  // Fastify: CVE-2025-32442, CVE-2026-3419, CVE-2026-25223, CVE-2026-33806. A body without its validation is the aim.
  { name: 'no content type', body: good, headers: [], ...media, detail: 'no Content-Type' },
  { name: 'an empty content type', body: good, headers: ['Content-Type: '], ...media },
  {
    name: 'another content type',
    body: good,
    headers: ['Content-Type: text/plain'],
    ...media,
    detail: 'the Content-Type is not one of the declared types',
  },
  { name: 'a content type in another case', body: good, headers: ['Content-Type: Application/JSON'], ...passes },
  { name: 'a charset', body: good, headers: ['Content-Type: application/json; charset=utf-8'], ...passes },
  { name: 'another charset', body: good, headers: ['Content-Type: application/json; charset=utf-16'], ...media },
  { name: 'garbage behind a semicolon', body: good, headers: ['Content-Type: application/json;'], ...media },
  { name: 'garbage behind a space', body: good, headers: ['Content-Type: application/json garbage'], ...media },
  {
    name: 'a tab before the semicolon',
    body: good,
    headers: ['Content-Type: application/json\t;charset=utf-8'],
    ...media,
  },
  { name: 'a list of types', body: good, headers: ['Content-Type: application/json, text/plain'], ...media },
  { name: 'gzip', body: gzipSync(good), headers: [...json, 'Content-Encoding: gzip'], ...media },
  { name: 'br', body: brotliCompressSync(good), headers: [...json, 'Content-Encoding: br'], ...media },
  {
    name: 'an encoding that is said and not there',
    body: good,
    headers: [...json, 'Content-Encoding: identity'],
    ...media,
  },
  {
    name: 'two content types',
    body: good,
    headers: [...json, 'Content-Type: text/plain'],
    ...media,
    detail: repeated,
  },
  { name: 'the content type twice', body: good, headers: [...json, ...json], ...media, detail: repeated },
  {
    name: 'a tab in front of the parameter',
    body: good,
    headers: ['Content-Type: application/json;\tcharset=utf-8'],
    ...media,
  },
  { name: 'tabs around the content type', body: good, headers: ['Content-Type:\tapplication/json\t'], ...passes },

  { name: 'a member twice (CVE-2017-12635)', body: '{"id":1,"id":2}', ...malformed, pointer: '/id' },
  {
    name: 'the first of twelve members twice',
    body: `{"id":1,${Array.from({ length: 11 }, (_, at) => `"m${at}":0`).join()},"id":2}`,
    ...malformed,
    pointer: '/id',
  },
  { name: 'a member twice, once escaped', body: '{"id":1,"\\u0069d":2}', ...malformed, pointer: '/id' },
  { name: 'too deep', body: `{"id":1,"items":${'['.repeat(400)}${']'.repeat(400)}}`, ...malformed },
  { name: '1e400', body: '{"id":1e400}', ...malformed, pointer: '/id' },
  { name: '2^53 + 1', body: '{"id":9007199254740993}', ...malformed, pointer: '/id' },
  { name: 'a byte order mark', body: Buffer.from(`\ufeff${good}`), ...malformed },
  { name: 'half a surrogate pair', body: '{"id":1,"text":"\\ud800"}', ...malformed, pointer: '/text' },
  { name: 'bad UTF-8', body: Buffer.from('{"id":1,"text":"\xff"}', 'latin1'), ...malformed },
  { name: '__proto__', body: '{"id":1,"__proto__":{"admin":true}}', ...malformed, pointer: '/__proto__' },
  { name: 'two documents', body: '{"id":1}{"id":2}', ...malformed },
  { name: 'a comment', body: '{"id":1}//', ...malformed },

  { name: 'a missing member', body: '{}', status: 422, code: 'schema-violation' },
  {
    name: 'a wrong type deep inside',
    body: '{"id":1,"items":[{"n":1},{"n":"1"}]}',
    status: 422,
    code: 'schema-violation',
    pointer: '/items/1/n',
  },
  { name: 'a member nobody declared', body: '{"id":1,"constructor":{}}', status: 422, code: 'schema-violation' },

  { name: 'a declared query parameter', body: good, target: '/strict?page=2', ...passes },
  {
    name: 'an extra query parameter',
    body: good,
    target: '/strict?page=2&debug=1',
    status: 400,
    code: 'parameter-violation',
  },
  {
    name: 'a query parameter twice',
    body: good,
    target: '/strict?page=2&page=3',
    status: 400,
    code: 'parameter-violation',
  },
  {
    name: 'a query parameter of a wrong type',
    body: good,
    target: '/strict?page=x',
    status: 400,
    code: 'parameter-violation',
    pointer: '/page',
  },
];

const request = ({ body, headers = json, target = '/strict' }: Case): Buffer => {
  const bytes = Buffer.from(body ?? '');
  const length = body === undefined ? [] : [`Content-Length: ${bytes.length}`];
  return Buffer.concat([Buffer.from(requestText('POST', target, [...headers, ...length]), 'latin1'), bytes]);
};

const chunked = ({ body, headers = json, target = '/strict' }: Case): Buffer => {
  const bytes = Buffer.from(body ?? '');
  const pieces: Buffer[] = [
    Buffer.from(requestText('POST', target, [...headers, 'Transfer-Encoding: chunked']), 'latin1'),
  ];
  for (let at = 0; at < bytes.length; at += 300) {
    const piece = bytes.subarray(at, at + 300);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]);
};

const exchangesOf = (proxy: TestProxy) => proxy.audit().filter((record) => record['object'] !== undefined);

const files = {
  'order.json': JSON.stringify(schema),
  'query.json': JSON.stringify({
    type: 'object',
    properties: { page: { type: 'integer' } },
    additionalProperties: false,
  }),
};
const strict = {
  name: 'strict',
  methods: ['POST'],
  path: '/strict',
  body: { 'application/json': './order.json' },
  max_body: `${capBytes}B`,
  query_schema: './query.json',
};

void test('requests', async (t) => {
  const bodies: Buffer[] = [];
  const workload = await startWorkload((_, body, response) => {
    bodies.push(body);
    response.end('fine');
  });
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port, files, config: { routes: [strict] } });
  for (const wire of [request, chunked]) {
    for (const one of cases.filter(({ body }) => wire === request || body !== undefined)) {
      const before = {
        hits: workload.hits(),
        bytes: Buffer.concat(workload.received()).length,
        audit: exchangesOf(proxy).length,
      };
      const name = `${one.name}, ${wire.name}`;
      const metric = `portcullis_requests_total{route="strict",outcome="invalid",code="${one.code}"}`;
      const counted = await proxy.metric(metric);
      const { answer, client } = await exchange(proxy.port, proxy.client, wire(one));
      t.equal(answer?.status, one.status, `${name}: the answer`);
      const [record, ...more] = exchangesOf(proxy).slice(before.audit);
      t.same(more, [], `${name}: one record`);
      if (one.code === undefined) {
        t.equal(workload.hits(), before.hits + 1, `${name}: forwarded`);
        t.same(bodies.at(-1), Buffer.from(one.body ?? ''), `${name}: byte for byte`);
        t.match(record, { type: 'authz.allow', schema: /^sha256:/ });
      } else {
        t.match(JSON.parse(answer?.body ?? '{}'), {
          code: one.code,
          ...(one.pointer === undefined ? {} : { pointer: one.pointer }),
        });
        t.match(
          record,
          {
            type: 'input.reject',
            reason: one.code,
            ...(one.pointer === undefined ? {} : { pointer: one.pointer }),
            ...(one.detail === undefined ? {} : { detail: one.detail }),
          },
          name,
        );
        t.equal(Buffer.concat(workload.received()).length, before.bytes, `${name}: the workload received nothing`);
        if (one.detail !== repeated) t.equal(await proxy.metric(metric), counted + 1, `${name}: counted`);
      }
      client.close();
    }
  }
  t.equal(await proxy.stop(), 0);
});

void test('a streamed body over its cap: 413, and the workload never has it whole', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { routes: [{ name: 'up', methods: ['POST'], path: '/up', body: 'stream', max_body: '100000B' }] },
  });
  const exact = 'x'.repeat(100_000);
  for (const [body, framing, status] of [
    [exact, 'length', 200],
    [exact, 'chunked', 200],
    [`${exact}x`, 'length', 413],
    [`${exact}x`, 'chunked', 413],
  ] as const) {
    const hits = workload.hits();
    const client = await connectRaw(proxy.port, proxy.client);
    client.write(framing === 'length' ? requestText('POST', '/up', [], body) : chunkedText(body));
    const text = await client.until((soFar) => parseAnswer(soFar) !== undefined).catch(() => client.text());
    const answer = parseAnswer(text);
    t.equal(answer?.status, status, `${body.length} bytes, ${framing}`);
    t.equal(workload.hits() - hits, status === 200 ? 1 : 0);
    if (status === 413) {
      t.match(JSON.parse(answer?.body ?? '{}'), { code: 'body-too-large' });
      t.equal(answer?.headers.get('connection'), 'close');
      await client.untilClosed();
    }
    client.close();
  }
  t.equal(proxy.audit().filter(({ reason }) => reason === 'body-too-large').length, 2);
  t.equal(await proxy.stop(), 0);
});

function chunkedText(body: string): string {
  return `${requestText('POST', '/up', ['Transfer-Encoding: chunked'])}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

type Reply = {
  readonly name: string;
  /** Or in a line each. */
  readonly type?: string | readonly string[];
  readonly encoding?: string;
  readonly status?: number;
  readonly body: string | Buffer;
};

const secret = 'secret-of-the-workload';
const leaks: readonly Reply[] = [
  { name: 'a member nobody declared', type: 'application/json', body: `{"id":1,"password":"${secret}"}` },
  { name: 'a wrong type', type: 'application/json', body: `{"id":"${secret}"}` },
  { name: 'no JSON', type: 'application/json', body: `<html>${secret}</html>` },
  { name: 'a member twice', type: 'application/json', body: `{"id":1,"id":2,"text":"${secret}"}` },
  { name: 'a byte order mark', type: 'application/json', body: `\ufeff{"id":1,"text":"${secret}"}` },
  { name: 'too deep', type: 'application/json', body: `{"id":1,"text":"${secret}","items":${'['.repeat(64)}` },
  { name: '1e400', type: 'application/json', body: `{"id":1e400,"text":"${secret}"}` },
  { name: '__proto__', type: 'application/json', body: `{"id":1,"__proto__":{"text":"${secret}"}}` },
  { name: 'half a surrogate pair', type: 'application/json', body: `{"id":1,"text":"${secret}\\ud800"}` },
  { name: 'another content type', type: 'text/html', body: secret },
  { name: 'two content types', type: ['application/json', 'text/html'], body: `{"id":1,"text":"${secret}"}` },
  {
    name: 'the content type twice',
    type: ['application/json', 'application/json'],
    body: `{"id":1,"text":"${secret}"}`,
  },
  { name: 'garbage behind the content type', type: 'application/json; x', body: `{"id":1,"text":"${secret}"}` },
  { name: 'no content type', body: secret },
  { name: 'an encoded body', type: 'application/json', encoding: 'gzip', body: gzipSync('{"id":1}') },
  { name: 'too much', type: 'application/json', body: JSON.stringify({ id: 1, text: secret.repeat(100) }) },
];

void test('responses', async (t) => {
  let reply: Reply = { name: '', body: '' };
  const workload = await startWorkload((_, __, response) => {
    if (reply.type !== undefined) response.setHeader('content-type', reply.type);
    if (reply.encoding !== undefined) response.setHeader('content-encoding', reply.encoding);
    response.setHeader('x-internal', secret);
    response.writeHead(reply.status ?? 200).end(reply.body);
  });
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    files,
    config: {
      routes: [
        {
          name: 'get',
          methods: ['GET'],
          path: '/strict',
          response: { 'application/json': './order.json' },
          max_response: `${capBytes}B`,
        },
      ],
    },
  });
  const ask = async (next: Reply): Promise<{ readonly answer: Answer | undefined; readonly text: string }> => {
    reply = next;
    const { answer, text, client } = await exchange(proxy.port, proxy.client, requestText('GET', '/strict'));
    client.close();
    return { answer, text };
  };
  for (const leak of leaks) {
    const { answer, text } = await ask(leak);
    const code = leak.name === 'too much' ? 'upstream-too-large' : 'response-violation';
    t.equal(answer?.status, 502, leak.name);
    t.match(JSON.parse(answer?.body ?? '{}'), { code }, leak.name);
    t.notMatch(text, secret, `${leak.name}: nothing of it leaks`);
    t.match(
      proxy
        .audit()
        .filter(({ stream }) => stream === 'data-0')
        .at(-1),
      { type: 'output.reject', reason: code, status: 502 },
    );
    t.notMatch(JSON.stringify(proxy.audit()), secret, 'not into the audit either');
  }
  const body = '{ "id" : 1 }';
  t.match(
    await ask({ name: 'good', type: 'application/json', body }),
    { answer: { status: 200, body } },
    'the bytes as they came',
  );
  const other = await ask({
    name: 'an error is not held against the schema',
    type: 'text/plain',
    status: 404,
    body: 'no',
  });
  t.match(other.answer, { status: 404, body: 'no' });
  t.equal(await proxy.stop(), 0);
});
