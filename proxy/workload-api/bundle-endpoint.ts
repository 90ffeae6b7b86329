import { constants } from 'node:crypto';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { writeSpiffeBundle } from '../../certs/spiffe-bundle.ts';
import { bind } from '../admin/bind.ts';
import { addressText } from '../config/address.ts';
import { type BundleEndpointParts, type EndpointIdentity, ofCa, ofFiles } from './endpoint-identity.ts';

export type BundleEndpoint = { readonly address: string; readonly close: () => void };

/**
 * Serves the bundle of the CA to other trust domains (SPIFFE Federation section 5.2): public keys to anybody who asks, so nobody is
 * asked who he is. Root and key of the tokens stay as long as the process, and so does the document. Throws ProxyError or CertsError.
 */
export async function serveBundle(parts: BundleEndpointParts): Promise<BundleEndpoint> {
  const { ca, config, record, log } = parts;
  const bundle = await ca.publicBundle();
  const body = writeSpiffeBundle({ ...bundle, refreshHintMs: config.refreshHintMs });
  const identity =
    config.server.kind === 'web' ? await ofFiles(config.server, parts) : await ofCa(config.server, parts);
  try {
    const server = createLimitedServer(identity, (request, response) => answer(request, response, body));
    const stop = identity.watch((credential) => server.setSecureContext({ ...tls, ...credential }));
    const bound = await bind(server, { kind: 'tcp', ...config.listen }, 'bundle_endpoint');
    const address = addressText(bound);
    const detail = `${address}, https_${config.server.kind}, sequence ${bundle.sequence}`;
    record({ kind: 'control', type: 'bundle.publish', detail });
    log.info('bundle.publish', { address, sequence: bundle.sequence });
    return {
      address,
      close: () => {
        stop();
        identity.close();
        server.close();
        server.closeAllConnections();
      },
    };
  } catch (cause) {
    identity.close();
    throw cause;
  }
}

/** Section 5.2 wants what Mozilla calls intermediate: TLS 1.2 with these, or 1.3. */
const tls = {
  minVersion: 'TLSv1.2',
  ciphers:
    'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:' +
    'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:' +
    'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305',
  honorCipherOrder: true,
  // As the listener does: no session outlives the certificate that it began under.
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
} as const satisfies ServerOptions;

/** Anybody reaches it: each has little time and room, and one answer for each connection. */
function createLimitedServer(
  identity: EndpointIdentity,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server = createServer({
    ...tls,
    ...identity.current(),
    handshakeTimeout: 5000,
    // Explicit, so that NODE_OPTIONS=--insecure-http-parser cannot loosen it.
    insecureHTTPParser: false,
    maxHeaderSize: 8192,
    headersTimeout: 5000,
    requestTimeout: 5000,
    connectionsCheckingInterval: 1000,
  });
  server.maxConnections = 128;
  server.maxRequestsPerSocket = 1;
  // Also ends a connection whose client does not read its answer.
  server.timeout = 10_000;
  server.on('request', serve).on('checkContinue', serve).on('checkExpectation', serve);
  // No answer: who does not speak HTTP here has asked for nothing.
  server.on('clientError', (_, socket) => socket.destroy());
  return server;
}

function answer({ method, url = '' }: IncomingMessage, response: ServerResponse, body: string): void {
  response.shouldKeepAlive = false;
  const [path] = url.split('?', 1);
  if (path !== '/') return void response.writeHead(404).end();
  if (method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end();
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-cache',
  };
  response.writeHead(200, headers).end(body);
}
