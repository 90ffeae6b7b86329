import { test } from 'tap';
import { get, open, raw, statusOf } from './raw-request.ts';

test('a foreign Host is refused: DNS rebinding (CVE-2022-43548 class)', async (t) => {
  const opened = await open();
  t.teardown(() => opened.admin.close());
  const port = opened.host.split(':')[1];
  const ask = (...hosts: string[]) =>
    raw(
      opened.admin.address,
      `GET /snapshot HTTP/1.1\r\n${hosts.map((host) => `Host: ${host}\r\n`).join('')}Connection: close\r\n\r\n`,
    );
  for (const host of [
    `evil.example:${port}`,
    '127.0.0.1',
    'localhost',
    `127.0.0.1:${port}.evil.example`,
    `127.1:${port}`,
    '',
  ]) {
    const answer = await ask(host);
    t.equal(statusOf(answer), 403, `Host: ${host}`);
    t.notMatch(answer, 'sha256:abc');
  }
  t.equal(statusOf(await ask()), 403, 'no Host');
  t.equal(statusOf(await ask(opened.host, 'evil.example')), 403, 'two Hosts');
  t.equal(statusOf(await ask(`localhost:${port}`)), 200);
  t.equal(statusOf(await ask(`LOCALHOST:${port}`)), 200);
  t.equal(opened.calls.filter((call) => call.reason === 'foreign-host').length, 8, 'each refusal is reported');
});

test('who listens on every address is asked by the one that was reached, and by no other', async (t) => {
  for (const [listens, reached, other] of [
    ['0.0.0.0', '127.0.0.2', '127.0.0.3'],
    ['::', '127.0.0.2', '[::ffff:127.0.0.2]'],
    ['::', '[::1]', '127.0.0.1'],
  ] as const) {
    const opened = await open({}, { kind: 'tcp', host: listens, port: 0 });
    t.teardown(() => opened.admin.close());
    const port = Number(opened.host.split(':')[1]);
    const ask = (host: string) => {
      const head = `GET /metrics HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      return raw({ kind: 'tcp', host: reached.replaceAll(/[[\]]/g, ''), port }, head);
    };
    t.equal(statusOf(await ask(`${reached}:${port}`)), 200, `${reached} of ${listens}`);
    t.equal(statusOf(await ask(`${other}:${port}`)), 403, `${other} of ${listens}`);
    t.equal(statusOf(await ask(`${reached}:1`)), 403, 'another port');
    t.equal(statusOf(await ask(`evil.example:${port}`)), 403, 'a name');
  }
});

test('an absolute-form target does not get around the Host', async (t) => {
  const opened = await open();
  t.teardown(() => opened.admin.close());
  t.equal(statusOf(await get(opened, `http://${opened.host}/snapshot`)), 404);
});

test('Origin of any kind and cross-site fetches are refused: CSRF', async (t) => {
  const opened = await open();
  t.teardown(() => opened.admin.close());
  for (const header of [
    'Origin: https://evil.example',
    'Origin: null',
    `Origin: http://${opened.host}`,
    'Sec-Fetch-Site: cross-site',
    'Sec-Fetch-Site: same-site',
  ]) {
    t.equal(statusOf(await get(opened, '/metrics', header)), 403, header);
  }
  t.equal(statusOf(await get(opened, '/metrics', 'Sec-Fetch-Site: none')), 200, 'typed into the address bar');
});

test('a check cannot be hidden behind too many headers (CVE-2026-58044 class)', async (t) => {
  const opened = await open();
  t.teardown(() => opened.admin.close());
  const filler = Array.from({ length: 200 }, (_, index) => `X-${index}: 1`);
  t.not(statusOf(await get(opened, '/metrics', ...filler, 'Origin: https://evil.example')), 200);
});

test('only GET without a body, without upgrade', async (t) => {
  const opened = await open();
  t.teardown(() => opened.admin.close());
  const { admin, host } = opened;
  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PURGE', 'CONNECT']) {
    const answer = await raw(admin.address, `${method} /livez HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    t.equal(statusOf(answer), 405, method);
  }
  t.equal(statusOf(await get(opened, '/livez', 'Content-Length: 3', '', 'abc')), 400);
  t.equal(statusOf(await get(opened, '/livez', 'Transfer-Encoding: chunked', '', '0')), 400);
  t.equal(statusOf(await get(opened, '/livez', 'Upgrade: websocket')), 501);
  const expecting = await get(opened, '/livez', 'Expect: 100-continue', 'Content-Length: 3');
  t.equal(statusOf(expecting), 400, 'the body is not even invited');
  t.equal(opened.calls.length, 12);
});

test('what is refused ends the connection: the body is not read as a next request', async (t) => {
  const opened = await open();
  t.teardown(() => opened.admin.close());
  const inner = `GET /snapshot HTTP/1.1\r\nHost: ${opened.host}\r\n\r\n`;
  const answer = await raw(
    opened.admin.address,
    `POST /livez HTTP/1.1\r\nHost: ${opened.host}\r\nContent-Length: 0\r\n\r\n${inner}`,
  );
  t.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1);
  t.notMatch(answer, 'sha256:abc');
});

test('malformed and oversized heads are refused and reported', async (t) => {
  const opened = await open();
  t.teardown(() => opened.admin.close());
  const { admin, host } = opened;
  t.equal(statusOf(await raw(admin.address, 'nonsense\r\n\r\n')), 400);
  t.equal(statusOf(await raw(admin.address, `GET /livez HTTP/1.1\nHost: ${host}\n\n`)), 400, 'bare LF');
  t.equal(statusOf(await get(opened, '/livez', `X-Long: ${'x'.repeat(9000)}`)), 431);
  t.same(
    opened.calls.map(({ reason }) => reason),
    ['malformed', 'malformed', 'malformed'],
  );
});
