// A Portcullis whose SVID comes from SPIRE: SPIRE_BIN=FOLDER node deploy/spire/demo.mjs
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
// oxlint-disable-next-line no-restricted-imports -- a caller, and no part of the proxy.
import { request } from 'node:https';
import { createServer as listen } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { audit, portcullis, runDemo, table, until, untilReady } from '../run-demo.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const trustDomain = 'shop.test';
const id = (name) => `spiffe://${trustDomain}/${name}`;
const spire = (name) => join(process.env.SPIRE_BIN ?? '', name);
const run = async (program, ...words) => (await promisify(execFile)(program, words)).stdout;

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort() {
  const server = listen().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A server and an agent that knows two workloads, both of this user. */
async function startSpire({ folder, start }) {
  const at = (name) => join(folder, name);
  const ports = { PORT: await freePort(), BUNDLE_PORT: await freePort() };
  const values = { FOLDER: folder, TRUST_DOMAIN: trustDomain, ...ports };
  for (const name of ['server.conf', 'agent.conf']) {
    writeFileSync(
      at(name),
      readFileSync(here(name), 'utf8').replaceAll(/@([A-Z_]+)@/g, (_, key) => values[key]),
    );
  }
  for (const name of ['server-data', 'agent-data']) mkdirSync(at(name));
  const ask = (...words) => run(spire('spire-server'), ...words, '-socketPath', at('server.sock'));
  const server = start(spire('spire-server'), ['run', '-config', 'server.conf']);
  await server.until('the server', () => ask('healthcheck').catch(() => false));
  writeFileSync(at('bundle.pem'), await ask('bundle', 'show'));
  const token = await ask('token', 'generate', '-spiffeID', id('agent'));
  for (const name of ['orders', 'web']) {
    const who = ['-parentID', id('agent'), '-spiffeID', id(name), '-selector', `unix:uid:${process.getuid()}`];
    await ask('entry', 'create', ...who, '-x509SVIDTTL', '30');
  }
  const words = ['run', '-config', 'agent.conf', '-joinToken', /^Token: (\S+)$/m.exec(token)[1]];
  const agent = start(spire('spire-agent'), words);
  return { agent, socket: at('agent.sock'), ca: readFileSync(at('bundle.pem')) };
}

/** What the agent gives this process: it may be either of the two. */
async function fetchSvids({ agent, socket }, folder) {
  mkdirSync(folder, { recursive: true });
  await agent.until('SVIDs', () =>
    run(spire('spire-agent'), 'api', 'fetch', 'x509', '-socketPath', socket, '-write', folder).catch(() => false),
  );
  const svids = readdirSync(folder).filter((name) => /^svid\.\d+\.pem$/.test(name));
  return new Map(
    svids.map((name) => {
      const cert = readFileSync(join(folder, name));
      const key = readFileSync(join(folder, name.replace(/pem$/, 'key')));
      return [new X509Certificate(cert).subjectAltName, { cert, key }];
    }),
  );
}

/** One request over mutual TLS. Whom we speak to is its SPIFFE ID and no host name. */
function ask(port, credential, method, path) {
  const isOrders = (_, { subjectaltname }) =>
    subjectaltname === `URI:${id('orders')}` ? undefined : new Error(`this is ${subjectaltname}`);
  const options = { ...credential, port, method, path, host: '127.0.0.1', agent: false, checkServerIdentity: isOrders };
  return new Promise((resolve) => {
    const outgoing = request(options, async (response) => {
      const body = await response.setEncoding('utf8').reduce((all, text) => all + text, '');
      resolve({ status: response.statusCode, body });
    });
    outgoing.on('error', () => resolve({ status: 'refused', body: '' })).end();
  });
}

async function demo({ folder, start }) {
  const at = (name) => join(folder, name);
  for (const name of ['portcullis.yaml', 'policy']) cpSync(here(name), at(name), { recursive: true });
  createServer((_, response) => response.end('{"orders":[{"id":42}]}')).listen(at('orders.sock'));
  const agent = await startSpire({ folder, start });
  const socket = { SPIFFE_ENDPOINT_SOCKET: `unix://${agent.socket}` };
  const proxy = await untilReady(start(portcullis, ['run', '-c', 'portcullis.yaml'], socket));
  const port = Number(proxy.listen.split(':').at(-1));

  const svids = await fetchSvids(agent, at('svids'));
  const as = (name) => ({ ca: agent.ca, ...svids.get(`URI:${id(name)}`) });
  const { row, end } = table();
  const listed = await ask(port, as('web'), 'GET', '/orders');
  row('web: GET /orders', listed.status, 200, listed.body);
  const deleted = await ask(port, as('web'), 'DELETE', '/orders/42');
  row('web: DELETE /orders/42', deleted.status, 403, JSON.parse(deleted.body).code);
  const own = await ask(port, as('orders'), 'GET', '/orders');
  row('orders itself: GET /orders', own.status, 403, JSON.parse(own.body).code);
  row('without a certificate: GET /orders', (await ask(port, { ca: agent.ca }, 'GET', '/orders')).status, 'refused');

  const rotated = await until('a successor', async () =>
    audit(at('audit')).find(({ type }) => type === 'identity.rotate'),
  );
  const successor = await fetchSvids(agent, at('successors'));
  const again = await ask(port, { ca: agent.ca, ...successor.get(`URI:${id('web')}`) }, 'GET', '/orders');
  row('the agent has pushed a successor: GET /orders', again.status, 200, `the proxy: ${rotated.detail}`);
  return end();
}

const missing = ['spire-server', 'spire-agent'].filter((name) => !isProgram(spire(name)));
if (process.env.SPIRE_BIN === undefined || missing.length > 0) {
  const folder = process.env.SPIRE_BIN ?? 'no folder: SPIRE_BIN is not set';
  console.error(`There is no SPIRE: ${missing.join(' and ')} not found (${folder}).`);
  console.error('Get a release of https://github.com/spiffe/spire/releases and name its folder: SPIRE_BIN=.../bin');
  process.exit(2);
}
await runDemo(demo);
