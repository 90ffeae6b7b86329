import type { Socket } from 'node:net';

/** What a workload may answer, and what must become of it (THREATS 1.1: response desync, 1xx, odd statuses). */
export type HostileAnswer = {
  readonly name: string;
  readonly method?: string;
  /** What the workload writes; a function may do worse than write. */
  readonly answer: string | ((socket: Socket) => void);
  /** `cut`: the client has a part and can see that it is one. */
  readonly wanted:
    | { readonly status: number; readonly body: string; readonly has?: readonly string[]; readonly not?: RegExp }
    | { readonly code: string }
    | 'cut';
};

const ok = 'HTTP/1.1 200 OK\r\n';
const whole = `${ok}content-length: 2\r\n\r\nok`;
const garbage = { code: 'upstream-malformed' };
const reset = { code: 'upstream-reset' };
const plain = { status: 200, body: 'ok' };
const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';

const interim: readonly HostileAnswer[] = [
  { name: '8 x 103', answer: early.repeat(8) + whole, wanted: { ...plain, not: /link/ } },
  { name: '9 x 103', answer: early.repeat(9) + whole, wanted: garbage },
  { name: '1,000 x 103', answer: early.repeat(1000) + whole, wanted: garbage },
  { name: '103 for ever', answer: (socket) => forever(socket, early), wanted: garbage },
  { name: '100 that nobody asked for', answer: `HTTP/1.1 100 Continue\r\n\r\n${whole}`, wanted: garbage },
  { name: '101 that nobody asked for', answer: 'HTTP/1.1 101 Switching Protocols\r\n\r\n', wanted: garbage },
  {
    name: '101 with Upgrade (CVE-2026-73548)',
    answer: `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n${whole}`,
    wanted: garbage,
  },
];

const statuses: readonly HostileAnswer[] = ['999', '600', '000', '99', '1000', '-1', '20', '2xx', ''].map((status) => ({
  name: `status "${status}"`,
  answer: `HTTP/1.1 ${status} Odd\r\ncontent-length: 2\r\n\r\nok`,
  wanted: garbage,
}));

const bodiless: readonly HostileAnswer[] = [
  { name: '204 with a body', answer: 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello' },
  {
    name: '204 with a chunked body',
    answer: 'HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
  },
  { name: '204 with an answer behind it', answer: `HTTP/1.1 204 No Content\r\n\r\n${whole}` },
]
  .map((row): HostileAnswer => ({ ...row, wanted: { status: 204, body: '', not: /content-length|transfer-encoding/ } }))
  .concat([
    {
      name: '304 with a body',
      answer: 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\nhello',
      wanted: { status: 304, body: '' },
    },
    { name: '205 with a body', answer: 'HTTP/1.1 205 Reset\r\ncontent-length: 5\r\n\r\nhello', wanted: garbage },
    { name: '305 with a body', answer: 'HTTP/1.1 305 Use Proxy\r\ncontent-length: 5\r\n\r\nhello', wanted: garbage },
    {
      name: 'HEAD with a body',
      method: 'HEAD',
      answer: `${ok}content-length: 5\r\n\r\nhello`,
      wanted: { status: 200, body: '', has: ['content-length: 5'] },
    },
    {
      name: 'HEAD with a chunked body',
      method: 'HEAD',
      answer: `${ok}transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
      wanted: { status: 200, body: '' },
    },
  ]);

const framing: readonly HostileAnswer[] = [
  'content-length: 5\r\ntransfer-encoding: chunked',
  'transfer-encoding: chunked\r\ncontent-length: 5',
  'content-length: 5\r\ncontent-length: 5',
  'content-length: 5\r\nContent-Length: 6',
  'content-length: 5, 5',
  'content-length: +5',
  'content-length: 0x5',
  'content-length: 05',
  'content-length: ',
  'content-length: -1',
  'content-length: 18446744073709551621',
  'content-length: 5 5',
  'content-length : 5',
  'content-length: "5"',
  'transfer-encoding: xchunked',
  'transfer-encoding: gzip, chunked',
  'transfer-encoding: chunked, identity',
  'transfer-encoding: chunked\r\ntransfer-encoding: chunked',
  'transfer-encoding: identity',
  'transfer-encoding:',
  'transfer-encoding: Chunked',
  'transfer-encoding:\x0bchunked',
  'x: y\r\n transfer-encoding: chunked',
].map((header) => ({
  name: `framing ${JSON.stringify(header)}`,
  answer: (socket: Socket) => socket.end(`${ok}${header}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, 'latin1'),
  wanted: garbage,
}));

const heads: readonly HostileAnswer[] = [
  'x: a\rset-cookie: b',
  'x: a\nset-cookie: b',
  'x: a\x00b',
  'x: a\r\n b',
  'x y: a',
  ': a',
  'x',
  'x\x00: a',
  'x : a',
  'x\xff: a',
  'x: \x1b[31m',
  'x: a\x7fb',
  'x: a\x0bb',
].map((header) => ({
  name: `header ${JSON.stringify(header)}`,
  answer: `${ok}${header}\r\ncontent-length: 2\r\n\r\nok`,
  wanted: garbage,
}));

const otherHeads: readonly HostileAnswer[] = [
  {
    name: 'obs-text in a value',
    answer: `${ok}x: caf\xe9\r\ncontent-length: 2\r\n\r\nok`,
    wanted: { ...plain, has: ['x: caf\xe9'] },
  },
  { name: 'a head of 20 kB', answer: `${ok}x: ${'a'.repeat(20_000)}\r\ncontent-length: 2\r\n\r\nok`, wanted: garbage },
  { name: '5,000 header lines', answer: `${ok}${'a: b\r\n'.repeat(5000)}content-length: 2\r\n\r\nok`, wanted: garbage },
  {
    name: 'fields of its connection (CVE-2026-29054)',
    answer: `${ok}Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTrailer: X\r\nX-End: 2\r\ncontent-length: 2\r\n\r\nok`,
    wanted: { ...plain, has: ['x-end: 2'], not: /x-hop|keep-alive:|proxy-authenticate|upgrade|trailer/ },
  },
  {
    name: 'a request id that is not ours',
    answer: `${ok}X-Portcullis-Id: forged\r\ncontent-length: 2\r\n\r\nok`,
    wanted: { ...plain, not: /forged/ },
  },
  {
    name: 'several cookies keep their order',
    answer: `${ok}Set-Cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 2\r\n\r\nok`,
    wanted: { ...plain, has: ['set-cookie: a=1', 'set-cookie: b=2'] },
  },
  { name: 'no HTTP at all', answer: 'SSH-2.0-OpenSSH_9.9\r\n\r\n', wanted: garbage },
  { name: 'HTTP/0.9', answer: (socket) => socket.end('hello'), wanted: garbage },
  { name: 'HTTP/2.0 in clear text', answer: 'HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok', wanted: garbage },
  ...['OK\rset-cookie: a=b', 'OK\nset-cookie: a=b', 'OK\r\n set-cookie: a=b', 'O\x00K'].map((reason) => ({
    name: `the reason ${JSON.stringify(reason)}`,
    answer: `HTTP/1.1 200 ${reason}\r\ncontent-length: 2\r\n\r\nok`,
    wanted: garbage,
  })),
  {
    name: 'a reason that says something',
    answer: 'HTTP/1.1 200 HTTP/1.1 302 Found\r\ncontent-length: 2\r\n\r\nok',
    wanted: { ...plain, has: ['HTTP/1.1 200 OK'] },
  },
  { name: 'RTSP/1.0', answer: 'RTSP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok', wanted: garbage },
  { name: 'HTTP/1.0', answer: 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok', wanted: plain },
  { name: 'a line ended by LF', answer: 'HTTP/1.1 200 OK\ncontent-length: 2\r\n\r\nok', wanted: garbage },
  { name: 'nothing, then the end', answer: (socket) => socket.end(), wanted: reset },
  { name: 'nothing, then a reset', answer: (socket) => socket.resetAndDestroy(), wanted: reset },
  { name: 'half a head, then the end', answer: (socket) => socket.end(`${ok}content-le`), wanted: reset },
  { name: 'a body that ends with the connection', answer: (socket) => socket.end(`${ok}\r\nhello`), wanted: garbage },
];

const bodies: readonly HostileAnswer[] = [
  {
    name: 'a chunked body',
    answer: `${ok}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    wanted: { status: 200, body: '2\r\nok\r\n0\r\n\r\n' },
  },
  {
    name: 'trailers are dropped',
    answer: `${ok}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nset-cookie: a=b\r\n\r\n`,
    wanted: { status: 200, body: '2\r\nok\r\n0\r\n\r\n', not: /set-cookie/ },
  },
  {
    name: 'Content-Length and the end before it',
    answer: (socket) => socket.end(`${ok}content-length: 9\r\n\r\nok`),
    wanted: 'cut',
  },
  {
    name: 'Content-Length and a reset before it',
    answer: (socket) => thenReset(socket, `${ok}content-length: 9\r\n\r\nok`),
    wanted: 'cut',
  },
  {
    name: 'Content-Length and no byte of it',
    answer: (socket) => socket.end(`${ok}content-length: 9\r\n\r\n`),
    wanted: reset,
  },
  {
    name: 'chunked and the end inside a chunk',
    answer: (socket) => socket.end(`${ok}transfer-encoding: chunked\r\n\r\n9\r\nok`),
    wanted: 'cut',
  },
  {
    name: 'chunked and the end between chunks',
    answer: (socket) => socket.end(`${ok}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n`),
    wanted: 'cut',
  },
  {
    name: 'chunked and the end before the last line',
    answer: (socket) => socket.end(`${ok}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n`),
    wanted: 'cut',
  },
  {
    name: 'chunked and a malformed size',
    answer: `${ok}transfer-encoding: chunked\r\n\r\n2\r\nok\r\nxyz\r\n`,
    wanted: 'cut',
  },
  { name: 'an answer behind the answer', answer: whole + `${ok}content-length: 6\r\n\r\nPUSHED`, wanted: plain },
  {
    name: 'three answers behind the answer',
    answer: whole + `${ok}content-length: 6\r\n\r\nPUSHED`.repeat(3),
    wanted: plain,
  },
  { name: 'a body longer than its Content-Length', answer: `${whole}PUSHED`, wanted: plain },
];

const lastAnswers: readonly HostileAnswer[] = [
  'content-length: 9\r\n\r\nok',
  'transfer-encoding: chunked\r\n\r\n9\r\nok',
  'transfer-encoding: chunked\r\n\r\n2\r\nok\r\n',
  'transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n',
].flatMap((rest): HostileAnswer[] => {
  const text = `${ok}connection: close\r\n${rest}`;
  const name = `Connection: close, ${JSON.stringify(rest)}`;
  return [
    { name: `${name} and the end`, answer: (socket) => socket.end(text), wanted: 'cut' },
    { name: `${name} and a reset`, answer: (socket) => thenReset(socket, text), wanted: 'cut' },
  ];
});

function thenReset(socket: Socket, text: string): void {
  socket.write(text, () => socket.resetAndDestroy());
}

function forever(socket: Socket, text: string): void {
  const more = () => socket.writable && socket.write(text.repeat(100), () => setImmediate(more));
  more();
}

export const hostileAnswers: readonly HostileAnswer[] = [
  ...interim,
  ...statuses,
  ...bodiless,
  ...framing,
  ...heads,
  ...otherHeads,
  ...bodies,
  ...lastAnswers,
];
