import type { TLSSocket } from 'node:tls';
import { elementsIn, onlyElement, tags } from '../../certs/der.ts';

/** Names of the IANA registry "TLS Supported Groups", for each group that a listener offers. */
const groups: ReadonlyMap<number, string> = new Map([
  [0x0017, 'secp256r1'],
  [0x0018, 'secp384r1'],
  [0x001d, 'x25519'],
  [0x11ec, 'X25519MLKEM768'],
]);

/** `[19] EXPLICIT`, which OpenSSL names kex_group. */
const keyAgreementTag = 0xb3;

/**
 * The key agreement group of a handshake that is over, on the server's side: `getEphemeralKeyInfo` answers clients only, but
 * the session that OpenSSL hands out names it (SSL_SESSION_ASN1 in its ssl_asn1.c). Undefined where it is not found there:
 * a record without it says less, and nothing that is wrong.
 */
export function keyAgreementGroup(socket: TLSSocket): string | undefined {
  const session = socket.getSession();
  if (session === undefined) return undefined;
  try {
    const explicit = elementsIn(onlyElement(session).content).find(({ tag }) => tag === keyAgreementTag);
    const { tag, content } = onlyElement(explicit?.content ?? new Uint8Array());
    return tag === tags.integer && content.length <= 4 ? groups.get(content.readUIntBE(0, content.length)) : undefined;
  } catch {
    return undefined;
  } finally {
    // Without tickets there is no key in it. Should a version of OpenSSL put one there, it does not stay in memory.
    session.fill(0);
  }
}
