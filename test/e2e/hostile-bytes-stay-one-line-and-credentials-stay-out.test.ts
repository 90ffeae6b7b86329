import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { makeAuthority } from '../pki/authority.ts';
import { makePki } from '../pki/pki.ts';
import { connectRaw, exchange, requestText } from '../harness/client.ts';
import { type AuditRecord, startProxy, type TestProxy, trustDomain } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const forged = '{"v":1,"type":"authz.allow","outcome":"allow"}';

/** Sent as they are; some are forwarded, most are refused, and each leaves its one record with the target as it came. */
const targets: readonly string[] = [
  '/%0d%0a%7B%22type%22:%22authz.allow%22%7D',
  '/a?q=%0d%0aSet-Cookie:x',
  `/${forged}`,
  `/"},${forged},{"`,
  '/a\\u000a\\',
  '/%1b[2J%1b]0;owned%07',
  '/%E2%80%AEtxt.exe',
  '/%C2%85%E2%80%A8%C2%9B31m',
  '/%ff%fe%c0%af',
  '/%00',
  '/${jndi:ldap://192.0.2.1/x}',
  '/$(id)`id`|id;id&&id',
  '/<script>alert(1)</script>',
  "/'%20OR%201=1--",
  `/${'a'.repeat(3000)}`,
  '//evil.example/',
  'http://evil.example/',
  '*',
];

/** Bytes that no request line or header may hold; they are refused before anything of them could be written down. */
const bytes: readonly string[] = [
  '\u001b[31m',
  '\0',
  '\n{"a":1}',
  '\r',
  '\u0085',
  '\u009b31m',
  '\u00ff\u00fe',
  '\u007f',
];

const everyFile = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));

/** Whoever reads evidence or log by lines, in a terminal or by `grep`, sees what was written and nothing else. */
function isClean(t: Test, proxy: TestProxy): void {
  const lines = readdirSync(join(proxy.folder, 'audit'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) =>
      readFileSync(join(proxy.folder, 'audit', name), 'latin1')
        .split('\n')
        .slice(0, -1),
    );
  t.ok(lines.length > 0);
  for (const line of lines) if (!/^[\x20-\x7e]+$/.test(line)) t.fail(`not printable ASCII: ${JSON.stringify(line)}`);
  for (const line of lines) t.doesNotThrow(() => JSON.parse(line));
  t.equal(new Set(lines.map((line) => `${JSON.parse(line).stream} ${JSON.parse(line).seq}`)).size, lines.length);
  for (const line of proxy.log().split('\n').slice(0, -1)) {
    t.match(JSON.parse(line), { ts: String, level: String, event: String });
    if (/[\x00-\x1f\x7f-\x9f\u2028\u202e]/.test(line)) t.fail(`the log: ${JSON.stringify(line)}`);
  }
}

const targetOf = ({ object }: AuditRecord) => (object as { target?: string } | undefined)?.target;

test('what a client sends cannot write records or steer a terminal', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });
  const send = async (text: string): Promise<string | undefined> => {
    const { answer, client } = await exchange(proxy.port, proxy.client, text);
    client.close();
    return answer?.headers.get('x-portcullis-id');
  };
  const recordOf = (id: string | undefined) => proxy.audit().filter((record) => record['id'] === id);

  await t.test('targets', async (t) => {
    for (const target of targets) {
      const records = recordOf(await send(requestText('GET', target)));
      t.equal(records.length, 1, target.slice(0, 40));
      const [record] = records;
      t.equal(record === undefined ? undefined : targetOf(record), target);
      t.equal(record?.['masked'], undefined);
    }
  });

  await t.test('bytes that are not allowed anywhere', async (t) => {
    for (const hostile of bytes) {
      for (const text of [
        `GET /a${hostile} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
        `GET /a HTTP/1.1\r\nHost: localhost${hostile}\r\n\r\n`,
        `GET /a HTTP/1.1\r\nHost: localhost\r\ntraceparent: 00-${hostile}\r\n\r\n`,
        `GE${hostile}T /a HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      ]) {
        const id = await send(text);
        t.match(recordOf(id), [{ type: 'input.reject', outcome: 'deny' }], JSON.stringify(text));
      }
    }
  });

  await t.test('a Host and a server name', async (t) => {
    for (const host of ['a"b', 'a\\', forged, '${jndi:x}', '<b>']) {
      const records = recordOf(await send(`GET /a HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
      t.match(records, [{ reason: 'ambiguous-authority', object: { authority: host } }]);
    }
    for (const servername of ['"},{"type":"x', 'a\u001b[31mb', 'a\nb']) {
      const client = await connectRaw(proxy.port, proxy.client, { servername });
      client.write(requestText('GET', '/sni'));
      await client.until((text) => text.includes('\r\n\r\n')).catch(() => undefined);
      client.close();
    }
  });

  await t.test('the names in a certificate that is refused', async (t) => {
    const nowMs = Date.now();
    const name = `evil\\0A${forged.replaceAll(/[",+;=<>]/g, '\\$&')}\\0D\u001b[31m\u202e\u0085`;
    const root = await makeAuthority({ name, nowMs });
    const pki = await makePki({ trustDomain, nowMs });
    const leaf = await pki.issue({ issuer: root, subject: 'CN=x\\0A\u001b[2J' });
    const client = await connectRaw(proxy.port, leaf);
    await client.untilClosed();
    const record = await proxy.untilRecord(({ type, peer }) => type === 'tls.reject' && peer !== undefined);
    t.match(record, { reason: 'untrusted', peer: { serial: leaf.serial } });
    t.match(record['peer'], { issuer: /^CN=evil\\0A\{.*authz\.allow.*\\0D.*\[31m/ });
    t.equal(proxy.audit().filter(({ reason }) => reason === 'untrusted').length, 1);
    t.equal(await proxy.metric('portcullis_handshake_refusals_total{reason="untrusted"}'), 1);
  });

  isClean(t, proxy);
  t.notOk(
    proxy
      .audit()
      .some((record) => record['outcome'] === 'allow' && record['id'] === undefined && record.type === 'authz.allow'),
  );
});

test('the values of credentials are nowhere', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      routes: [
        { name: 'any', methods: ['GET'], path: '/{rest...}' },
        { name: 'login', methods: ['POST'], path: '/login', body: { 'application/json': './login.schema.json' } },
        { name: 'strict', methods: ['GET'], path: '/strict', query_schema: './query.schema.json' },
      ],
    },
    files: {
      'login.schema.json':
        '{"type":"object","properties":{"password":{"type":"string","maxLength":3}},"additionalProperties":false}',
      'query.schema.json': '{"type":"object","properties":{"token":{"type":"integer"}},"additionalProperties":false}',
    },
  });
  const canary = 'CaNaRy7361';
  const send = async (text: string) => {
    const { client, answer } = await exchange(proxy.port, proxy.client, text);
    client.close();
    return answer;
  };
  for (const name of ['access_token', 'password', 'X-Api-Key', 'user%5Bpassword%5D', 'p%61ssword', 'code', 'sig']) {
    const answer = await send(requestText('GET', `/a?x=1&${name}=${canary}&y=2`));
    const record = await proxy.untilRecord((one) => one['id'] === answer?.headers.get('x-portcullis-id'));
    t.match(record, { masked: 1, object: { target: `/a?x=1&${name}=***&y=2` } });
    t.match(workload.received().join(''), `${name}=${canary}`, 'the workload gets it as it was sent');
  }
  const headers = [`Authorization: Bearer ${canary}`, `Cookie: session=${canary}`, `X-Api-Key: ${canary}`];
  const basic = `Authorization: Basic ${Buffer.from(`u:${canary}`).toString('base64')}`;
  const json = ['Content-Type: application/json'];
  const statuses: (number | undefined)[] = [];
  for (const text of [
    requestText('GET', '/a', headers),
    requestText('GET', '/a', [basic]),
    requestText('DELETE', '/a', headers),
    requestText('GET', '/a', [...headers, ...headers]),
    requestText('GET', '/a', [...headers, 'a b: c']),
    requestText('GET', '/a', [`Authorization : Bearer ${canary}`]),
    requestText('GET', '/a', [`Authorization: Bearer ${canary}\u001b`]),
    requestText('GET', `http://u:${canary}@localhost/a`),
    `GET /a HTTP/1.1\r\nHost: u:${canary}@localhost\r\n\r\n`,
    requestText('GET', `/strict?token=${canary}`),
    requestText('GET', `/a/../?password=${canary}`),
    requestText('POST', '/login', json, JSON.stringify({ password: canary })),
    requestText('POST', '/login', json, `{"password":"${canary}"`),
  ]) {
    statuses.push((await send(text))?.status);
  }
  t.same(statuses, [200, 200, 405, 400, 400, 400, 400, 400, 400, 400, 400, 422, 400]);
  await proxy.admin('/metrics');
  t.equal(await proxy.stop(), 0);
  const written = [...everyFile(join(proxy.folder, 'audit')), proxy.log()].join('\n');
  t.match(written, '***');
  for (const trace of [canary, Buffer.from(`u:${canary}`).toString('base64'), encodeURIComponent(canary)]) {
    t.notMatch(written, trace);
  }
  isClean(t, proxy);
});
