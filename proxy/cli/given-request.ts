import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CertsError } from '../../certs/errors.ts';
import { parseSpiffeId, type SpiffeId, type TrustDomain, trustDomainOf } from '../../certs/spiffe-id.ts';
import { systemClock as clock } from '../clock.ts';
import type { Config, LimitsConfig } from '../config/config.ts';
import { type Denial, deny, isDenial } from '../denial.ts';
import { Departure } from '../departure.ts';
import type { Accepted } from '../exchange.ts';
import type { RequestBody } from '../transport.ts';
import type { Identified } from '../filters/identity.ts';
import { HeadReader, type RequestHead } from '../http1/request-head.ts';
import type { Snapshot } from '../snapshot.ts';
import { type Arguments, type Io, requiredValue, UsageError, valueOf } from './command.ts';

/** The facts that a request with these words would have where the policy is asked. Throws UsageError. */
export async function givenRequest(
  args: Arguments,
  io: Io,
  snapshot: Snapshot,
): Promise<(Accepted & Identified) | Denial> {
  const bytes = await givenBody(args, io);
  const head = readGivenHead(args, bytes, snapshot.config.limits);
  if (isDenial(head)) return head;
  const at = valueOf(args, 'at');
  const receivedMs = at === undefined ? io.now() : readTime(at);
  const peer = namedPeer(readId(requiredValue(args, 'id'), snapshot.config.identity.trustDomain), receivedMs);
  const body = head.framing.kind === 'none' ? undefined : wholeBody(bytes);
  return {
    id: randomUUID(),
    receivedMs,
    beganNs: clock.monotonicNs(),
    number: 1,
    method: head.method,
    target: head.target,
    headers: head.headers,
    incoming: body,
    bytesIn: () => body?.receivedBytes ?? 0,
    connection: {
      id: randomUUID(),
      openedMs: receivedMs,
      peer,
      remote: { ip: '127.0.0.1', port: 0 },
      local: { ip: '127.0.0.1', port: snapshot.config.listen.port },
      tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', alpn: givenProtocol(args, snapshot.config) },
      serverName: undefined,
    },
    peer,
    caller: peer,
    snapshot,
    sent: { to: undefined, workload: undefined },
    departure: new Departure(),
    atEnd: [],
  };
}

function givenProtocol({ switches }: Arguments, { http2 }: Config): 'h2' | 'http/1.1' {
  if (!switches.has('http2')) return 'http/1.1';
  if (http2 !== undefined) return 'h2';
  throw new UsageError('--http2: the configuration has no `http2`, so that nobody could ask in this way');
}

/** The bytes that a client would send for this, read by the reader that the proxy reads them with. */
function readGivenHead(args: Arguments, body: Buffer, limits: LimitsConfig): RequestHead | Denial {
  const lines = [...(args.values.get('header') ?? [])];
  const odd = lines.find((line) => !line.includes(':'));
  if (odd !== undefined) throw new UsageError(`--header is not NAME: VALUE: ${JSON.stringify(odd)}`);
  const has = (name: string) => lines.some((line) => line.toLowerCase().startsWith(`${name}:`));
  if (!has('host')) lines.unshift('host: localhost');
  if (body.length > 0 && !has('content-length') && !has('transfer-encoding'))
    lines.push(`content-length: ${body.length}`);
  const requestLine = `${valueOf(args, 'method') ?? 'GET'} ${requiredValue(args, 'target')} HTTP/1.1`;
  const bytes = Buffer.from(`${[requestLine, ...lines].join('\r\n')}\r\n\r\n`, 'utf8');
  const found = new HeadReader(limits).read(bytes);
  if (found === undefined) return deny('malformed-header');
  // A line break in an argument has put the end of the head into its middle.
  return isDenial(found.head) || found.bytes === bytes.length ? found.head : deny('malformed-header');
}

/** Of the trust domain of the proxy, since only such a peer gets as far as a decision. Throws UsageError. */
function readId(text: string, trustDomain: TrustDomain): SpiffeId {
  const id = spiffeId(text);
  if (trustDomainOf(id) === trustDomain) return id;
  throw new UsageError(`--id: ${id} could not connect: this proxy trusts peers of ${trustDomain} only`);
}

function spiffeId(text: string): SpiffeId {
  try {
    return parseSpiffeId(text);
  } catch (cause) {
    if (cause instanceof CertsError) throw new UsageError(`--id: ${cause.message}`);
    throw cause;
  }
}

/** `Date.parse` alone takes almost anything for a time, and reads much of it in the zone of this machine. */
function readTime(text: string): number {
  const isDateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/.test(text);
  // A day that the month does not have would be one of the next.
  const isDay = isDateTime && new Date(`${text.slice(0, 10)}T00:00:00Z`).toJSON()?.startsWith(text.slice(0, 10));
  const ms = isDay === true ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new UsageError(`--at is not an RFC 3339 time such as 2026-11-21T09:00:00Z: '${text}'`);
  return ms;
}

async function givenBody(args: Arguments, io: Io): Promise<Buffer> {
  const file = valueOf(args, 'body');
  return file === undefined ? Buffer.alloc(0) : readGiven(resolve(io.cwd, file));
}

async function readGiven(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new UsageError(`--body: ${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`);
  }
}

/** A peer that was named, not proven; it never meets the filter that judges certificates. */
function namedPeer(spiffeId: SpiffeId, nowMs: number): Identified['peer'] {
  return {
    spiffeId,
    trustDomain: trustDomainOf(spiffeId),
    serial: '00',
    fingerprintSha256: '0'.repeat(64),
    subject: '',
    issuer: '',
    notBeforeMs: nowMs,
    notAfterMs: nowMs + 3_600_000,
    signatureAlgorithm: '',
    keyAlgorithm: '',
    dnsNames: [],
  };
}

function wholeBody(bytes: Buffer): RequestBody {
  return {
    declaredBytes: bytes.length,
    receivedBytes: bytes.length,
    consume: (consumer) => {
      consumer.chunk(bytes);
      consumer.end();
    },
    pause: () => undefined,
    resume: () => undefined,
  };
}
