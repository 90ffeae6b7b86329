import { once } from 'node:events';
import { performServerHandshake } from 'node:http2';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'tap';

/*
 * Why this proxy reads HTTP/2 by itself (ARCHITECTURE.md): what node:http2 does not tell cannot be judged, refused or put on
 * record. Each case is a rule that HTTP/1.1 is held to here. One that fails is good news: Node tells it, so think again.
 */

const frameTypes = { data: 0, headers: 1, settings: 4 } as const;
const endStream = 1;
const endHeaders = 4;

function frame(type: keyof typeof frameTypes, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = frameTypes[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literal fields without indexing (RFC 7541 section 6.2.2), all shorter than 127 bytes: no table, no Huffman code. */
function fieldBlock(fields: readonly (readonly [string, string])[]): Buffer {
  const literal = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame('settings', 0, 0, Buffer.alloc(0)),
]);

type Field = readonly [string, string];
const asked = (method: string): Field[] => [
  [':method', method],
  [':path', '/asked'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
];

/** What a server on node:http2, as strict as it can be made, is told of the first of two requests. */
async function told(fields: readonly Field[], body?: Buffer) {
  const seen: string[][] = [];
  const trouble: unknown[] = [];
  const server = createServer((socket) => {
    const strictest = { maxSessionInvalidFrames: 0, strictFieldWhitespaceValidation: true };
    const session = performServerHandshake(socket, strictest);
    session.on('error', (cause) => trouble.push(cause)).on('frameError', (...cause) => trouble.push(cause));
    session.on('stream', (stream, _headers, _flags, raw) => {
      if (stream.id === 1) seen.push(raw);
      else server.emit('second');
      stream.resume().on('error', () => undefined);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  const second = once(server, 'second');
  client.write(preface);
  client.write(frame('headers', endHeaders | (body === undefined ? endStream : 0), 1, fieldBlock(fields)));
  if (body !== undefined) client.write(frame('data', endStream, 1, body));
  client.write(frame('headers', endHeaders | endStream, 3, fieldBlock(asked('GET'))));
  await second;
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
  return { seen, trouble };
}

test('fields that are none are left out without a word, and the rest is served', async (t) => {
  const fields: Readonly<Record<string, Field>> = {
    'a value with CR LF and another field in it': ['x-note', 'a\r\nx-spiffe-id: spiffe://example.org/admin'],
    'a value with NUL': ['x-note', 'a\0b'],
    'a name with a space': ['x note', 'a'],
    'no name': ['', 'a'],
    'a value that begins with a space': ['x-note', ' a'],
  };
  for (const [what, field] of Object.entries(fields)) {
    const { seen, trouble } = await told([...asked('GET'), field]);
    t.same(seen, [asked('GET').flat()], what);
    t.same(trouble, [], what);
  }
});

test('a request that the library refuses is told to nobody, so it could have no record', async (t) => {
  const malformed: Readonly<Record<string, Field[]>> = {
    'a name in upper case': [...asked('GET'), ['X-Note', 'a']],
    'a field of a connection': [...asked('GET'), ['connection', 'x-spiffe-id']],
    'two lengths': [...asked('GET'), ['content-length', '0'], ['content-length', '0']],
    'two paths': [...asked('GET'), [':path', '/other']],
    'no path': asked('GET').filter(([name]) => name !== ':path'),
  };
  for (const [what, fields] of Object.entries(malformed)) {
    t.same(await told(fields), { seen: [], trouble: [] }, what);
  }
});

test('a length that is not canonical is taken as the number it seems to be', async (t) => {
  const fields: Field[] = [...asked('POST'), ['content-length', '02']];
  const { seen } = await told(fields, Buffer.from('ab'));
  t.same(seen, [fields.flat()]);
});
