import { METHODS } from 'node:http';
import fc from 'fast-check';
import { test } from 'tap';
import { readAuthority } from '../../../proxy/normalise/authority.ts';
import { normaliseHeaders, ownHeaders } from '../../../proxy/normalise/headers.ts';
import { readTarget } from '../../../proxy/normalise/target.ts';
import { startLlhttp } from './llhttp.ts';
import { mutants } from '../../harness/mutations.ts';
import { type Reading, readRequest } from './read-request.ts';

/**
 * Smuggling needs two parsers that disagree. Whatever our reader and normaliser accept, Node's llhttp in strict mode must
 * accept too, with the same method, target, header list, body and the same next request behind it. The other direction
 * is free: we refuse a great deal that llhttp takes.
 */
const budgetMs = Number(process.env['PORTCULLIS_FUZZ_MS'] ?? 8000);

type Accepted = Extract<Reading, { readonly head: object }>;

/** Where the two may differ, each with the reason why nobody can use it. */
const allowed: readonly { readonly why: string; readonly when: (reading: Accepted) => boolean }[] = [
  {
    why: 'llhttp knows a closed list of methods; any other token is refused by the router (405), whatever its letters',
    when: ({ head }) => !METHODS.includes(head.method),
  },
  {
    why: 'llhttp takes Proxy-Connection for Connection (RFC 9112 appendix C.2.2 does not); here it ends nothing and goes nowhere',
    when: ({ head }) => head.headers.some((name, index) => index % 2 === 0 && /^proxy-connection$/i.test(name)),
  },
];

function accept(bytes: Buffer): Accepted | undefined {
  const reading = readRequest([bytes]);
  if (!('head' in reading)) return undefined;
  const { method, target, headers } = reading.head;
  const normalised = normaliseHeaders(headers, ownHeaders(['x-spiffe-id', 'x-forwarded-client-cert']));
  if (method === 'CONNECT' || 'code' in readTarget(target) || 'code' in normalised) return undefined;
  return typeof readAuthority(normalised.hosts, undefined) === 'string' ? reading : undefined;
}

const marker = 'GET /marker HTTP/1.1\r\nHost: marker\r\n\r\n';
const markerRead = { method: 'GET', target: '/marker', headers: ['Host', 'marker'], body: '' };

void test('no request is read in two ways', async (t) => {
  t.setTimeout(30_000 + budgetMs);
  const readWithNode = startLlhttp();
  let accepted = 0;
  const property = fc.asyncProperty(mutants, async (bytes) => {
    const ours = accept(bytes);
    if (ours === undefined || allowed.some(({ when }) => when(ours))) return;
    accepted += 1;
    const message = bytes.subarray(0, bytes.length - ours.left.length);
    const { method, target, headers } = ours.head;
    const first = { method, target, headers, body: ours.body };
    // llhttp refuses bytes behind `Connection: close`; we drop them.
    const whole = ours.head.closes ? message : Buffer.concat([message, Buffer.from(marker)]);
    const wanted = { requests: ours.head.closes ? [first] : [first, markerRead], refused: false };
    const theirs = await readWithNode(whole);
    if (JSON.stringify(theirs) === JSON.stringify(wanted)) return;
    throw new Error(`${JSON.stringify(message.toString('latin1'))}: node reads ${JSON.stringify(theirs)}`);
  });
  await fc.assert(property, { numRuns: 1e9, interruptAfterTimeLimit: budgetMs, endOnFailure: true });
  t.comment(`${accepted} mutants were accepted by both`);
  t.ok(accepted > 100, 'mutants that are accepted at all');
});

void test('each argued difference is a real one', async (t) => {
  const readWithNode = startLlhttp();
  const requests = [
    'GETT /a HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: localhost\r\nProxy-Connection: close\r\n\r\n',
  ];
  t.equal(requests.length, allowed.length);
  for (const [index, request] of requests.entries()) {
    const ours = accept(Buffer.from(request));
    t.ok(ours !== undefined && allowed[index]?.when(ours), 'accepted by us');
    t.match(await readWithNode(Buffer.from(request + marker)), { refused: true }, allowed[index]?.why ?? '');
  }
});
