import { constants, randomBytes } from 'node:crypto';
import type { ConnectionOptions, SecureContextOptions, TlsOptions } from 'node:tls';
import type { Algorithms } from '../../certs/approved.ts';
import type { TrustBundleData } from '../../certs/trust-bundle.ts';
import type { SvidMaterial } from '../../certs/sources/svid-source.ts';
import type { Config } from '../config/config.ts';
import { algorithmsOf, approvedTls } from '../fips/approved.ts';

const strongTls = {
  ciphers: 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256',
  sigalgs:
    'ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:' +
    'rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:' +
    // For keys that may sign in no other way (id-RSASSA-PSS).
    'rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512',
  // Behind `/` stands what is taken only from a client that has nothing before it: without that, one that is able to do
  // ML-KEM and sends another key share first would be left without (the traffic of today can be decrypted later).
  ecdhCurve: 'X25519MLKEM768/X25519:P-256:P-384',
};

/** What changes with an SVID or a trust bundle, for `setSecureContext`. */
export function secureContext(
  svid: Pick<SvidMaterial, 'chainPem' | 'keyPem'>,
  trust: TrustBundleData,
  algorithms: Algorithms,
): SecureContextOptions {
  return {
    ...(algorithms === 'approved' ? approvedTls : strongTls),
    cert: svid.chainPem,
    key: svid.keyPem,
    // Given explicitly, so that neither Node's own list nor NODE_EXTRA_CA_CERTS can vouch for anybody (SC-17).
    ca: trust.flatMap(({ rootsPem }) => rootsPem),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    honorCipherOrder: true,
    // No tickets: an expired certificate was accepted on a resumed session (CVE-2025-23419 class). OpenSSL still sends
    // the name of a session, which is worth nothing, because nobody keeps sessions here.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    sessionIdContext: randomBytes(16).toString('hex'),
  };
}

export function listenerOptions(svid: SvidMaterial, trust: TrustBundleData, config: Config): TlsOptions {
  return {
    ...secureContext(svid, trust, algorithmsOf(config)),
    requestCert: true,
    // OpenSSL's verdict is read afterwards, because Node would tell nobody why it refused; `judgePeer` then decides,
    // and nothing is read from a connection before it has (H1 in CONTROLS.md).
    rejectUnauthorized: false,
    handshakeTimeout: config.limits.handshakeMs,
    // The first that the client has too; one that offers other protocols only gets the alert no_application_protocol (RFC 7301 3.2).
    ALPNProtocols: config.http2 === undefined ? ['http/1.1'] : ['h2', 'http/1.1'],
  };
}

/**
 * For a connection to the workload, beside its `SecureContext`. No name is sent (SNI) or compared: who it is stands in its SVID
 * (X509-SVID section 5). Node finishes the handshake whatever it thinks of the certificate, and writes nothing by itself;
 * `judgePeer` decides before anything is sent.
 */
export const dialOptions: ConnectionOptions = {
  rejectUnauthorized: false,
  checkServerIdentity: () => undefined,
  ALPNProtocols: ['http/1.1'],
};
