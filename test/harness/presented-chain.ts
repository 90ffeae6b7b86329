import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * A TLS 1.3 client (RFC 8446) that presents any bytes as its certificates. A library would read them first, refuse to
 * load what is weak or malformed, and send the rest as it encodes it. It verifies nothing of the server: what the proxy
 * says of itself, other tests ask.
 */
export type Presented = { readonly chain: readonly Uint8Array[]; readonly privateKey: KeyObject };

export type Outcome = {
  /** Where the connection came from, as the audit knows it. */
  readonly port: number;
  /** What was answered to the request, decrypted; empty when the handshake was refused. */
  readonly answer: string;
};

const hashLength = 32;
const x25519Prefix = Buffer.from('302a300506032b656e032100', 'hex');

/** Offers the chain, sends the request, and resolves when the proxy has ended the connection. */
export async function present(port: number, { chain, privateKey }: Presented, request: string): Promise<Outcome> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  // Not `once` of node:events, which rejects for an error: that the proxy cuts the connection is what is waited for.
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const ephemeral = generateKeyPairSync('x25519');
  const transcript: Buffer[] = [];
  let records = Buffer.alloc(0);
  let messages = Buffer.alloc(0);
  let answer = '';
  let keys: Schedule | undefined;
  let reading: Sealed | undefined;

  const onMessage = (message: Buffer) => {
    if (message[0] === 4) return; // NewSessionTicket
    transcript.push(message);
    if (message[0] === 2) {
      keys = handshakeKeys(ephemeral.privateKey, message, transcript);
      reading = keys.server;
    } else if (message[0] === 20 && keys !== undefined) {
      const { client, applicationKeys } = keys;
      // The keys of the request depend on the server's part of the handshake alone.
      const application = applicationKeys(transcript);
      // In one piece: what OpenSSL notes while it reads the certificates ends the handshake if it then has to wait for more.
      socket.cork();
      for (const own of ownFlight(chain, privateKey, keys, transcript)) {
        for (let at = 0; at < own.length; at += 16_000) socket.write(client.seal(22, own.subarray(at, at + 16_000)));
      }
      reading = application.server;
      socket.write(application.client.seal(23, Buffer.from(request)));
      socket.uncork();
    }
  };
  const onRecord = (type: number, record: Buffer) => {
    const opened = type === 23 && reading !== undefined ? reading.open(record) : { type, content: record.subarray(5) };
    if (opened.type === 23) answer += opened.content.toString('latin1');
    if (opened.type !== 22) return;
    messages = Buffer.concat([messages, opened.content]);
    while (messages.length >= 4 && messages.length >= 4 + messages.readUIntBE(1, 3)) {
      const end = 4 + messages.readUIntBE(1, 3);
      const message = messages.subarray(0, end);
      messages = messages.subarray(end);
      onMessage(message);
    }
  };
  socket.on('data', (bytes: Buffer) => {
    records = Buffer.concat([records, bytes]);
    while (records.length >= 5 && records.length >= 5 + records.readUInt16BE(3)) {
      const record = records.subarray(0, 5 + records.readUInt16BE(3));
      records = records.subarray(record.length);
      onRecord(record[0] ?? 0, record);
    }
  });

  await once(socket, 'connect');
  const localPort = socket.localPort ?? 0;
  const hello = clientHello(ephemeral.publicKey);
  transcript.push(hello);
  socket.write(Buffer.concat([Buffer.from('160301', 'hex'), u16(hello.length), hello]));
  await closed;
  return { port: localPort, answer };
}

const u8 = (number: number) => Buffer.from([number]);
const u16 = (number: number) => Buffer.from([number >> 8, number & 255]);
const u24 = (number: number) => Buffer.from([number >> 16, (number >> 8) & 255, number & 255]);
const hex = (text: string) => Buffer.from(text, 'hex');
const handshakeMessage = (type: number, body: Buffer) => Buffer.concat([u8(type), u24(body.length), body]);

function clientHello(publicKey: KeyObject): Buffer {
  const share = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const extension = (type: string, body: Buffer) => Buffer.concat([hex(type), u16(body.length), body]);
  const extensions = Buffer.concat([
    extension('002b', hex('020304')),
    extension('000a', hex('0002001d')),
    extension('000d', hex('000a04030503060308040807')),
    extension('0033', Buffer.concat([hex('0024001d0020'), share])),
  ]);
  // TLS_AES_128_GCM_SHA256 alone, so that there is one hash.
  const body = [
    hex('0303'),
    randomBytes(32),
    hex('00'),
    hex('00021301'),
    hex('0100'),
    u16(extensions.length),
    extensions,
  ];
  return handshakeMessage(1, Buffer.concat(body));
}

type Sealed = {
  readonly seal: (type: number, content: Buffer) => Buffer;
  readonly open: (record: Buffer) => { readonly type: number; readonly content: Buffer };
};

type Schedule = {
  readonly client: Sealed;
  readonly server: Sealed;
  readonly finish: (transcript: readonly Buffer[]) => Buffer;
  readonly applicationKeys: (transcript: readonly Buffer[]) => { readonly client: Sealed; readonly server: Sealed };
};

/** RFC 8446 section 7.1. */
function handshakeKeys(own: KeyObject, serverHello: Buffer, transcript: readonly Buffer[]): Schedule {
  const shared = diffieHellman({ privateKey: own, publicKey: serverShare(serverHello) });
  const zeros = Buffer.alloc(hashLength);
  const early = hmac(zeros, zeros);
  const handshake = hmac(derive(early, 'derived', []), shared);
  const clientSecret = derive(handshake, 'c hs traffic', transcript);
  const master = hmac(derive(handshake, 'derived', []), zeros);
  return {
    client: sealed(clientSecret),
    server: sealed(derive(handshake, 's hs traffic', transcript)),
    finish: (messages) => hmac(expand(clientSecret, 'finished', Buffer.alloc(0), hashLength), digest(messages)),
    applicationKeys: (messages) => ({
      client: sealed(derive(master, 'c ap traffic', messages)),
      server: sealed(derive(master, 's ap traffic', messages)),
    }),
  };
}

/** The only extension of a ServerHello that is longer than a version is the key share; it ends with the key. */
function serverShare(serverHello: Buffer): KeyObject {
  const at = serverHello.indexOf(hex('00330024001d0020'));
  const raw = serverHello.subarray(at + 8, at + 40);
  return createPublicKey({ key: Buffer.concat([x25519Prefix, raw]), format: 'der', type: 'spki' });
}

function sealed(secret: Buffer): Sealed {
  const key = expand(secret, 'key', Buffer.alloc(0), 16);
  const iv = expand(secret, 'iv', Buffer.alloc(0), 12);
  let sent = 0;
  let received = 0;
  const nonce = (count: number) => {
    const mixed = Buffer.from(iv);
    mixed.writeUInt32BE((mixed.readUInt32BE(8) ^ count) >>> 0, 8);
    return mixed;
  };
  return {
    seal: (type, content) => {
      const header = Buffer.concat([hex('170303'), u16(content.length + 17)]);
      const cipher = createCipheriv('aes-128-gcm', key, nonce(sent++)).setAAD(header);
      return Buffer.concat([
        header,
        cipher.update(Buffer.concat([content, u8(type)])),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
    },
    open: (record) => {
      const decipher = createDecipheriv('aes-128-gcm', key, nonce(received++)).setAAD(record.subarray(0, 5));
      decipher.setAuthTag(record.subarray(-16));
      const plain = Buffer.concat([decipher.update(record.subarray(5, -16)), decipher.final()]);
      return { type: plain.at(-1) ?? 0, content: plain.subarray(0, -1) };
    },
  };
}

/** Certificate, CertificateVerify and Finished, RFC 8446 section 4.4. */
function ownFlight(
  chain: readonly Uint8Array[],
  privateKey: KeyObject,
  { finish }: Schedule,
  transcript: readonly Buffer[],
): readonly Buffer[] {
  const entries = Buffer.concat(chain.flatMap((der) => [u24(der.length), der, u16(0)]));
  const certificate = handshakeMessage(11, Buffer.concat([u8(0), u24(entries.length), entries]));
  const signedText = Buffer.concat([
    Buffer.alloc(64, 0x20),
    Buffer.from('TLS 1.3, client CertificateVerify\0'),
    digest([...transcript, certificate]),
  ]);
  const { id, hash, options } = signatureOf(privateKey);
  const signature = sign(hash, signedText, { key: privateKey, ...options });
  const verify = handshakeMessage(15, Buffer.concat([u16(id), u16(signature.length), signature]));
  return [certificate, verify, handshakeMessage(20, finish([...transcript, certificate, verify]))];
}

const pss = { padding: 6, saltLength: 32 } as const;

function signatureOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject) {
  if (asymmetricKeyType === 'ed25519') return { id: 0x0807, hash: null, options: {} };
  if (asymmetricKeyType === 'ed448') return { id: 0x0808, hash: null, options: {} };
  if (asymmetricKeyType === 'rsa') return { id: 0x0804, hash: 'sha256', options: pss };
  if (asymmetricKeyType === 'rsa-pss') return { id: 0x0809, hash: 'sha256', options: pss };
  const curve = asymmetricKeyDetails?.namedCurve;
  if (curve === 'secp384r1') return { id: 0x0503, hash: 'sha384', options: {} };
  if (curve === 'secp521r1') return { id: 0x0603, hash: 'sha512', options: {} };
  return { id: 0x0403, hash: 'sha256', options: {} };
}

const hmac = (key: Buffer, data: Buffer) => createHmac('sha256', key).update(data).digest();
const digest = (messages: readonly Buffer[]) => createHash('sha256').update(Buffer.concat(messages)).digest();

function derive(secret: Buffer, label: string, messages: readonly Buffer[]): Buffer {
  return expand(secret, label, digest(messages), hashLength);
}

/** HKDF-Expand-Label; nothing here is longer than one block of the hash. */
function expand(secret: Buffer, label: string, context: Buffer, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([u16(length), u8(name.length), name, u8(context.length), context, u8(1)]);
  return hmac(secret, info).subarray(0, length);
}
