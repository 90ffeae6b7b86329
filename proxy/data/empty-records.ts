import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** Some ten thousand key updates, which take 60 ms; what one read has taken in and not handed on yet is less. */
const allowance = 256 * 1024;
/** A record with one byte of content has 23. */
const bytesForEach = 32;

/**
 * RFC 8446 section 4.6.3 lets a peer renew its keys as often as it likes, in records of 27 bytes. OpenSSL answers each, Node tells
 * nobody, and no limit of ours sees them: only the bytes that come in without content do.
 * @param transport the TCP socket under `socket`, whose handshake is over
 * @returns how many bytes came beside the content, once they are more than any client has a use for
 */
export function emptyRecords(socket: TLSSocket, transport: Socket): () => number | undefined {
  const handshake = transport.bytesRead;
  return () => {
    const taken = transport.bytesRead - handshake;
    return taken > allowance + bytesForEach * socket.bytesRead ? taken - socket.bytesRead : undefined;
  };
}
