/** Everything that can go wrong under `certs/`, with what to do about it. Closed: a new failure is a new line here. */
export const certsErrors = {
  'trust-domain-invalid': {
    summary: 'The text is not a SPIFFE trust domain name.',
    remedy: 'Use 1 to 255 of a-z 0-9 . - _ in lower case, without scheme, port or path, such as "shop.example".',
  },
  'spiffe-id-invalid': {
    summary: 'The text is not a SPIFFE ID.',
    remedy: 'Write spiffe://TRUST-DOMAIN/PATH; path segments use a-z A-Z 0-9 . - _ and are not empty, "." or "..".',
  },
  'certificate-malformed': {
    summary: 'The bytes are not a certificate this program can read.',
    remedy: 'Provide a PEM or DER encoded X.509 certificate; `openssl x509 -in FILE -text` shows what the file holds.',
  },
  'svid-invalid': {
    summary: 'A certificate breaks a rule of the X509-SVID standard, or OpenSSL refuses to serve TLS with it.',
    remedy:
      'Issue the certificate again with exactly one URI SAN, digitalSignature, no CA rights and keys that are strong enough.',
  },
  'identity-file-unreadable': {
    summary: 'A file of the own identity is missing, empty, too large or cannot be read.',
    remedy:
      'See that what writes the files of `identity.files` (cert-manager, Vault agent, spiffe-helper) runs and writes there.',
  },
  'key-unreadable': {
    summary: 'The key file of the own identity does not hold exactly one private key in PEM.',
    remedy:
      'Have the key written as PKCS#8, SEC 1 or PKCS#1 in PEM; `openssl pkey -in FILE -noout` says whether it is.',
  },
  'key-encrypted': {
    summary: 'The key file of the own identity is encrypted.',
    remedy: 'Have the key written without a passphrase into a file that only this user can read (mode 0600 or 0440).',
  },
  'workload-api-unavailable': {
    summary: 'The SPIFFE Workload API cannot be reached, or has ended its stream.',
    remedy:
      'See that the agent runs, and that its socket is that of `identity.workload_api` (or SPIFFE_ENDPOINT_SOCKET) and can be opened by this user.',
  },
  'workload-api-refused': {
    summary: 'The SPIFFE Workload API has no identity for this process.',
    remedy:
      'Register an entry of `identity.spiffe_id` whose selectors this process meets; `spire-server entry show` lists them.',
  },
  'workload-api-malformed': {
    summary: 'What the SPIFFE Workload API has sent breaks its standard.',
    remedy:
      'See what serves the socket, and its version; every SVID comes with its SPIFFE ID, certificate, PKCS#8 key and bundle.',
  },
  'svid-expired': {
    summary: 'The SVID, or an issuer of its path, has expired.',
    remedy: 'Check the clock; if it is right, see why what issues the SVID has not renewed it.',
  },
  'svid-not-yet-valid': {
    summary: 'The SVID, or an issuer of its path, is not valid yet.',
    remedy: 'Set the clock of this machine (NTP); the issuer may be ahead of it.',
  },
  'svid-foreign': {
    summary: 'The SVID carries another SPIFFE ID than `identity.spiffe_id`, or leads to a CA of another trust domain.',
    remedy: 'Correct `identity.spiffe_id` and `identity.trust_domain`, or have the SVID issued for them.',
  },
  'svid-untrusted': {
    summary: 'No path leads from the SVID to a root of its own bundle, so no peer could believe it.',
    remedy: 'Have every intermediate put behind the SVID, and the root that issued them into the bundle.',
  },
  'trust-bundle-invalid': {
    summary: 'A trust bundle holds something that cannot be an anchor of trust.',
    remedy: 'Give each trust domain at least one CA certificate in PEM, and CRLs signed by one of its CAs.',
  },
  'spiffe-bundle-invalid': {
    summary: 'A document is not a SPIFFE bundle that may be believed, or one that goes back behind a newer one.',
    remedy:
      'Have its trust domain publish a JWK set whose keys of use x509-svid each hold one CA certificate in x5c; the message names the key.',
  },
  'revocation-list-invalid': {
    summary: 'A certificate revocation list (CRL) cannot be read, or is one that would be misunderstood.',
    remedy:
      'Give complete lists of RFC 5280 in PEM or DER, with nextUpdate and without critical extensions (no delta list, none of a distribution point).',
  },
  'denylist-invalid': {
    summary: 'A line of the denylist cannot be read.',
    remedy: 'Correct the line that the message names; the kinds of lines are listed in docs/configuration.md.',
  },
  'lifetime-invalid': {
    summary: 'The lifetime asked for is outside what the CA may grant.',
    remedy: 'Ask for at least 10 seconds and at most 24 hours.',
  },
  'trust-domain-foreign': {
    summary: 'A SPIFFE ID lies outside the trust domain of the CA.',
    remedy: 'Ask for an ID whose trust domain is the one shown by `portcullis ca show`.',
  },
  'state-folder-unusable': {
    summary: 'The state folder is missing, not a folder, or cannot be written.',
    remedy:
      'Create the folder with mode 0700 and give it to the user that runs this program, on a volume that has room.',
  },
  'state-folder-exposed': {
    summary: 'The state folder can be opened by other users.',
    remedy:
      'Run chmod 0700 on the folder and make sure this user owns it; renew the CA if others may have read its keys.',
  },
  'key-file-exposed': {
    summary: 'A file that holds a secret can be read by other users.',
    remedy: 'Run chmod 0600 on the file; replace the secret if others may have read it.',
  },
  'state-locked': {
    summary: 'Another process kept the state folder locked for too long.',
    remedy: 'See which process the message names; end it if it hangs, then try again.',
  },
  'state-incomplete': {
    summary: 'A file of the CA is missing, empty or damaged.',
    remedy:
      'Restore the state folder from a backup, or delete it to create a new CA (every SVID must then be replaced).',
  },
  'key-mismatch': {
    summary: 'A private key does not belong to its certificate.',
    remedy:
      'Put the key and the certificate that belong together there: both from one backup, or both from one issuing.',
  },
  'ca-trust-domain-mismatch': {
    summary: 'The state folder holds a CA of another trust domain.',
    remedy: 'Point to the right state folder, or correct the trust domain in the configuration.',
  },
  'ca-expired': {
    summary: 'A certificate of the CA has expired.',
    remedy: 'Check the clock; if it is right, create a new CA in a fresh state folder and replace every SVID.',
  },
  'ca-not-yet-valid': {
    summary: 'The clock stands before the CA was created.',
    remedy: 'Set the clock of this machine (NTP); it is earlier than the notBefore of the CA.',
  },
  'ca-missing': {
    summary: 'The state folder holds no CA.',
    remedy: 'Run `portcullis ca init --state DIR --trust-domain NAME` first.',
  },
  'ca-exists': {
    summary: 'The state folder already holds a CA.',
    remedy: 'Use `portcullis ca show` to see it, or choose another folder.',
  },
  'passphrase-missing': {
    summary: 'The keys of the CA are encrypted and no passphrase was given.',
    remedy: 'Name the passphrase file (--passphrase-file, or passphrase_file in the configuration).',
  },
  'passphrase-wrong': {
    summary: 'The passphrase does not decrypt the key.',
    remedy: 'Check that the passphrase file is the one the CA was created with.',
  },
  'passphrase-unexpected': {
    summary: 'A passphrase was given, but the keys are stored without encryption.',
    remedy: 'Leave the passphrase out, or create the CA again with it.',
  },
  'passphrase-file-invalid': {
    summary: 'The passphrase file cannot be read or its first line is empty.',
    remedy: 'Write the passphrase as the first line of a file with mode 0600.',
  },
  'serial-unknown': {
    summary: 'The CA has not issued a certificate with this serial number.',
    remedy: 'Take the serial from `portcullis ca show` or `openssl x509 -serial`; hexadecimal, without colons.',
  },
  'jwt-svid-invalid': {
    summary: 'A token is not a JWT-SVID of the local CA for the audience named.',
    remedy: 'Have the caller fetch a new one, for the audience that is asked about; the message names the claim.',
  },
  'socket-folder-exposed': {
    summary: 'Others than one workload could reach a socket of the Workload API, or put another in its place.',
    remedy:
      'Give each socket a folder of its own that belongs to this user, mode 0700, or 0750 with the group of its workload; where others may write to a folder above it, set the sticky bit.',
  },
  'socket-in-use': {
    summary: 'Another process serves a socket of the Workload API.',
    remedy: 'Stop that process, or choose another path.',
  },
  'socket-unusable': {
    summary: 'A socket of the Workload API cannot be made.',
    remedy: 'Choose a path below 104 bytes, in a folder where this user may write and in whose group it is.',
  },
  'output-unwritable': {
    summary: 'A file or folder that was named for the output cannot be written.',
    remedy:
      'Name a file in a folder that is there, or a folder that can be made, which this user may write to and which has room.',
  },
  'pkcs12-unreadable': {
    summary: 'The PKCS#12 file is not there or cannot be read.',
    remedy: 'Name the file that was exported, and run as a user who may read it.',
  },
  'pkcs12-invalid': {
    summary: 'The PKCS#12 file cannot be opened or lacks a key and a certificate that belong together.',
    remedy: 'Check the password; export the file again with one private key and its chain.',
  },
} as const satisfies Record<string, { summary: string; remedy: string }>;

export type CertsErrorCode = keyof typeof certsErrors;

export class CertsError extends Error {
  override readonly name = 'CertsError';
  readonly code: CertsErrorCode;
  readonly remedy: string;

  /** `message` says what happened, with the file or name it happened to. */
  constructor(code: CertsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.remedy = certsErrors[code].remedy;
  }
}
