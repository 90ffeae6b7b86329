import { randomUUID } from 'node:crypto';
import { createServer, type TLSSocket } from 'node:tls';
import { isHandshakeRefusal } from '../../../certs/handshake-refusal.ts';
import { openLocalCa } from '../../../certs/local-ca/local-ca.ts';
import { readTrustBundle } from '../../../certs/trust-bundle.ts';
import { systemClock } from '../../../proxy/clock.ts';
import { thisMachine } from '../../../proxy/config/world.ts';
import { loadConfigFile } from '../../../proxy/control/load-snapshot.ts';
import { plainAddress } from '../../../proxy/data/arrivals.ts';
import { readHandshake } from '../../../proxy/data/handshake.ts';
import { listenerOptions } from '../../../proxy/data/tls-options.ts';
import { turnClock } from '../../../proxy/data/turn-clock.ts';
import { Http1Connection } from '../../../proxy/http1/connection.ts';
import { sweepMs } from '../../../proxy/connection-host.ts';
import { createDataPath } from './data-path.ts';
import { dataPathSnapshot } from './snapshot.ts';

// What a request costs before anything is decided of it: the listener of the product in its own parts, under the configuration
// of `portcullis-bare`, in one thread. What the two differ in is the price of decision, limits, record and metrics.
const [configFile = ''] = process.argv.slice(2);
const { config } = await loadConfigFile(configFile, thisMachine(), process.cwd());
const { stateFolder, trustDomain, spiffeId } = config.identity;

const ca = await openLocalCa({ stateFolder, trustDomain, keyAlgorithm: 'P-256', now: systemClock.nowMs });
const svid = await ca.issue({ spiffeId, lifetimeMs: 24 * 3_600_000 });
const trustData = ca.trustBundle();
ca.close();

const trust = readTrustBundle(trustData);
const clock = { ...systemClock, ...turnClock(systemClock) };
const serve = createDataPath(dataPathSnapshot(config, trust), svid.notAfterMs, clock);
const connections = new Set<Http1Connection>();

function admit(socket: TLSSocket): void {
  socket.setNoDelay(true);
  socket.allowHalfOpen = true;
  const remote = { ip: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
  const facts = readHandshake(socket, { id: randomUUID(), remote, nowMs: clock.nowMs(), trust });
  if (isHandshakeRefusal(facts)) return void socket.destroy();
  const connection = new Http1Connection(socket, {
    limits: () => config.limits,
    now: clock.monotonicMs,
    serve: (request) => void serve(facts, request),
    mustClose: () => false,
    bug: console.error,
    ended: () => undefined,
  });
  connections.add(connection);
  socket.once('close', () => connections.delete(connection));
}

const server = createServer(listenerOptions(svid, trustData, config));
server.on('secureConnection', admit);
server.on('tlsClientError', (_, socket) => socket.destroy());
setInterval(() => {
  for (const connection of connections) connection.sweep();
}, sweepMs);
server.listen(config.listen.port, config.listen.host, 4096);
