// An Envoy without a key of its own calls a Portcullis without a key of its own: node deploy/envoy-sds/demo.mjs
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
// oxlint-disable-next-line no-restricted-imports -- a caller, and no part of the proxy.
import { createServer, request } from 'node:http';
import { execFileSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { audit, portcullis, runDemo, table, until, untilReady } from '../run-demo.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const places = [here('../../node_modules/.cache/portcullis-bench'), ...(process.env.PATH ?? '').split(delimiter)];
const named = process.env.ENVOY;
const candidates = named === undefined ? places.map((folder) => join(folder, 'envoy')) : [named];
const envoy = candidates.find((file) => existsSync(file));

/** As `web` does it: in clear text, to the Envoy beside it. */
function ask(socketPath, method, path) {
  return new Promise((resolve) => {
    const outgoing = request({ socketPath, method, path, headers: { host: 'orders' } }, async (response) => {
      const body = await response.setEncoding('utf8').reduce((all, text) => all + text, '');
      resolve({ status: response.statusCode, body });
    });
    outgoing.on('error', ({ code }) => resolve({ status: code, body: '' })).end();
  });
}

/** Straight to the proxy, without a certificate. TLS 1.3 tells a client that it was refused only once it has asked. */
function askWithoutCertificate(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('secureConnect', () => socket.write('GET /orders HTTP/1.1\r\nHost: orders\r\n\r\n'));
    socket.on('data', () => resolve('answered')).on('error', () => {});
    socket.on('close', () => resolve('refused'));
  });
}

async function demo({ folder, start }) {
  const at = (name) => join(folder, name);
  for (const name of ['workload-api.yaml', 'portcullis.yaml', 'policy'])
    cpSync(here(name), at(name), { recursive: true });
  const workload = createServer((_, response) => response.end('{"orders":[{"id":42}]}')).listen(at('orders.sock'));
  workload.unref();

  await untilReady(start(portcullis, ['workload-api', '-c', 'workload-api.yaml']));
  const socket = { SPIFFE_ENDPOINT_SOCKET: `unix://${at('orders/agent.sock')}` };
  const { listen } = await untilReady(start(portcullis, ['run', '-c', 'portcullis.yaml'], socket));
  const values = { FOLDER: folder, PORT: listen.split(':').at(-1) };
  const config = readFileSync(here('envoy.yaml'), 'utf8').replaceAll(/@([A-Z]+)@/g, (_, name) => values[name]);
  writeFileSync(at('envoy.yaml'), config);
  const words = ['-c', 'envoy.yaml', '--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];
  const sidecar = start(envoy, words);

  const out = at('out.sock');
  // Without its secrets yet, an Envoy answers 503 by itself.
  await sidecar.until('an Envoy with its secrets', async () => (await ask(out, 'HEAD', '/orders')).status === 405);
  const calls = () =>
    audit(at('audit')).filter(({ type, object }) => type === 'authz.allow' && object.method === 'GET');

  const { row, end } = table();
  const listed = await ask(out, 'GET', '/orders');
  row('web, through its Envoy: GET /orders', listed.status, 200, listed.body);
  const deleted = await ask(out, 'DELETE', '/orders/42');
  row('web, through its Envoy: DELETE /orders/42', deleted.status, 403, JSON.parse(deleted.body).code);
  row('past Envoy, without a certificate: GET /orders', await askWithoutCertificate(Number(values.PORT)), 'refused');
  const { peer, tls } = await until('the record of the call', async () => calls()[0]);
  console.log(`\nEnvoy was ${peer.spiffe}, serial ${peer.serial.slice(0, 8)}..., ${tls.version}, ${tls.group}\n`);

  execFileSync(portcullis, ['ca', 'revoke', '--state', at('state'), '--serial', peer.serial]);
  const ended = ({ type, reason }) => type === 'tls.end' && reason === 'revoked';
  await until('the end of the connection', async () => audit(at('audit')).some(ended));
  row('that serial is revoked: its open connection', 'ended', 'ended', 'tls.end, revoked');
  const successor = await until('the successor', async () => {
    await ask(out, 'GET', '/orders');
    return calls().find((call) => call.peer.serial !== peer.serial);
  });
  const { serial } = successor.peer;
  row('the CA has pushed a successor: GET /orders', successor.status, 200, `serial ${serial.slice(0, 8)}...`);
  return end();
}

if (envoy === undefined) {
  const where = named === undefined ? '' : ` at ${named}`;
  console.error(
    `There is no envoy${where}: name one with ENVOY=/path/to/envoy, or get one with \`npm run bench -- --install\`.`,
  );
  process.exit(2);
}
await runDemo(demo);
