import { type Certificate, derToPem } from './certificate.ts';
import { crlLabel } from './crl.ts';
import { explicit, integer, sequence, time } from './encode-der.ts';
import { authorityKeyIdentifier, crlNumber } from './encode-extension.ts';
import { keyIdentifier, signDer, type SigningKey } from './signing-key.ts';

export type CrlRequest = {
  readonly issuer: Certificate;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  readonly revoked: readonly { readonly serial: string; readonly atMs: number }[];
};

const version2 = Buffer.from([1]);

/** RFC 5280 section 5.1, of any length. Returns PEM. */
export async function signCrl(request: CrlRequest, signer: SigningKey): Promise<string> {
  const { issuer, thisUpdateMs, nextUpdateMs, revoked } = request;
  const entries = revoked.map(({ serial, atMs }) => sequence(integer(Buffer.from(serial, 'hex')), time(atMs)));
  const extensions = [
    authorityKeyIdentifier(keyIdentifier(signer.publicKey)),
    // RFC 5280 section 5.2.3 wants growing numbers: the time does.
    crlNumber(sixBytes(thisUpdateMs)),
  ];
  const der = await signDer(signer, (algorithm) =>
    sequence(
      integer(version2),
      algorithm,
      issuer.subjectDer,
      time(thisUpdateMs),
      time(nextUpdateMs),
      // RFC 5280 section 5.1.2.6: an empty list is left out.
      ...(entries.length === 0 ? [] : [sequence(...entries)]),
      explicit(0, sequence(...extensions)),
    ),
  );
  return derToPem(der, crlLabel);
}

function sixBytes(number: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(number, 0, 6);
  return bytes;
}
