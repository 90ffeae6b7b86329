import type { TLSSocket } from 'node:tls';
import {
  type HandshakeRefusal,
  type HandshakeRefusalReason,
  handshakeRefusal,
  isHandshakeRefusal,
} from '../../certs/handshake-refusal.ts';
import { judgePeer } from '../../certs/peer.ts';
import { presentedChain } from '../../certs/presented-chain.ts';
import type { TrustBundle } from '../../certs/trust-bundle.ts';
import type { ConnectionFacts } from '../exchange.ts';
import { plainAddress } from './arrivals.ts';
import { keyAgreementGroup } from './key-agreement.ts';

type Known = Pick<ConnectionFacts, 'id' | 'remote'> & { readonly nowMs: number; readonly trust: TrustBundle };

/** What a finished handshake proves: the facts of the connection, or the reason why there will be none. */
export function readHandshake(
  socket: TLSSocket,
  { id, remote, nowMs, trust }: Known,
): ConnectionFacts | HandshakeRefusal {
  // Tickets are off; should a session ever be resumed all the same, nothing was verified on this connection.
  if (socket.isSessionReused()) return handshakeRefusal('protocol', 'a resumed session');
  const chain = presentedChain(socket.getPeerX509Certificate());
  // OpenSSL agrees only when it says so; a verdict that is missing is no verdict.
  const verdict = socket.authorized ? null : String(socket.authorizationError);
  const peer = judgePeer(chain, verdict, trust, nowMs);
  if (isHandshakeRefusal(peer)) return peer;
  const { servername } = socket;
  return {
    id,
    openedMs: nowMs,
    peer,
    remote,
    local: { ip: plainAddress(socket.localAddress), port: socket.localPort ?? 0 },
    tls: {
      version: socket.getProtocol() ?? '',
      cipher: socket.getCipher().standardName ?? '',
      group: keyAgreementGroup(socket),
      alpn: negotiated(socket),
    },
    serverName: typeof servername === 'string' && servername !== '' ? servername.toLowerCase() : undefined,
  };
}

/** False is what Node says where the client offered nothing, which is how HTTP/1.1 may be spoken too. */
function negotiated({ alpnProtocol }: TLSSocket): ConnectionFacts['tls']['alpn'] {
  return alpnProtocol === 'h2' || alpnProtocol === 'http/1.1' ? alpnProtocol : undefined;
}

/** A handshake that failed inside TLS, before there was anything to judge. */
export function failedHandshake(error: Error): HandshakeRefusal {
  const code = 'code' in error ? String(error.code) : '';
  const timedOut = code === 'ERR_TLS_HANDSHAKE_TIMEOUT';
  const reason: HandshakeRefusalReason = timedOut ? 'handshake-timeout' : 'protocol';
  return handshakeRefusal(reason, code === '' ? 'the handshake failed' : code);
}
