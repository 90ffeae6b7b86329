import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { exchange } from '../harness/client.ts';
import { portcullis } from '../harness/command.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

type Row = {
  readonly name: string;
  readonly method?: string;
  readonly target?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly status: number;
  readonly code?: string;
};

const json = 'Content-Type: application/json';
const rows: readonly Row[] = [
  { name: 'a plain request', status: 200 },
  { name: 'a body', method: 'POST', headers: [json], body: '"text"', status: 200 },
  {
    name: 'an empty file is no body',
    method: 'POST',
    headers: [json],
    body: '',
    status: 422,
    code: 'schema-violation',
  },
  { name: 'space before a colon', headers: ['X-A : b'], status: 400, code: 'malformed-header' },
  { name: 'a control in a value', headers: ['X-A: b\x01'], status: 400, code: 'malformed-header' },
  { name: 'a name with an underscore', headers: ['x_spiffe_id: a'], status: 400, code: 'ambiguous-header' },
  { name: 'another expectation', headers: ['Expect: 200-ok'], status: 417, code: 'unsupported-expectation' },
  {
    name: 'Content-Length and Transfer-Encoding',
    method: 'POST',
    headers: [json, 'Content-Length: 6', 'Transfer-Encoding: chunked'],
    body: '"text"',
    status: 400,
    code: 'ambiguous-framing',
  },
  {
    name: 'a length that is not canonical',
    method: 'POST',
    headers: [json, 'Content-Length: 06'],
    body: '"text"',
    status: 400,
    code: 'ambiguous-framing',
  },
  { name: 'a header of 20 kB', headers: [`X-A: ${'a'.repeat(20_000)}`], status: 431, code: 'head-too-large' },
  { name: '101 headers', headers: Array.from({ length: 101 }, () => 'X-A: b'), status: 431, code: 'too-many-headers' },
  { name: 'a target in absolute form', target: 'http://a/x', status: 400, code: 'ambiguous-target' },
  { name: 'a space in the target', target: '/a b', status: 400, code: 'malformed-request-line' },
  { name: 'a second Host', headers: ['Host: localhost', 'Host: b'], status: 400, code: 'ambiguous-authority' },
  { name: 'an upgrade', headers: ['Upgrade: websocket'], status: 501, code: 'upgrade-not-allowed' },
  { name: 'a method in lower case', method: 'get', status: 405, code: 'method-not-allowed' },
];

/** As a client would send it: what `explain` adds by itself is added here as well. */
function wire({ method = 'GET', target = '/x', headers = [], body = '' }: Row): string {
  const has = (name: string) => headers.some((line) => line.toLowerCase().startsWith(`${name}:`));
  const framed = has('content-length') || has('transfer-encoding');
  const length = body === '' || framed ? [] : [`Content-Length: ${body.length}`];
  const host = has('host') ? [] : ['Host: localhost'];
  return [`${method} ${target} HTTP/1.1`, ...host, ...headers, ...length, '', body].join('\r\n');
}

void test('the same request, explained and sent', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      routes: [
        { name: 'read', methods: ['GET'], path: '/x' },
        { name: 'write', methods: ['POST'], path: '/x', body: { 'application/json': './text.json' } },
      ],
    },
    files: { 'text.json': '{"type":"string"}' },
  });
  const explain = async (row: Row, index: number) => {
    const words = ['--id', clientId, '--method', row.method ?? 'GET', '--target', row.target ?? '/x', '--json'];
    for (const header of row.headers ?? []) words.push('--header', header);
    if (row.body !== undefined) {
      const file = join(proxy.folder, `body-${index}`);
      writeFileSync(file, row.body);
      words.push('--body', file);
    }
    const { stdout, stderr } = await portcullis('explain', '-c', join(proxy.folder, 'portcullis.yaml'), ...words);
    t.equal(stderr, '', row.name);
    return JSON.parse(stdout) as { readonly status?: number; readonly code?: string; readonly allowed: boolean };
  };
  for (const [index, row] of rows.entries()) {
    const [explained, sent] = await Promise.all([explain(row, index), exchange(proxy.port, proxy.client, wire(row))]);
    t.equal(sent.answer?.status, row.status, `${row.name}: sent`);
    sent.client.close();
    const { code, status } = row;
    if (code === undefined) {
      t.equal(explained.allowed, true, `${row.name}: explained`);
      continue;
    }
    t.equal((JSON.parse(sent.answer?.body ?? '{}') as { code?: string }).code, code);
    t.match(explained, { allowed: false, status, code }, `${row.name}: explained`);
  }
  t.equal(workload.hits(), rows.filter(({ code }) => code === undefined).length);
  t.equal(await proxy.stop(), 0);
});
