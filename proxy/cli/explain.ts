import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CertsError } from '../../certs/errors.ts';
import { parseSpiffeId, type SpiffeId, trustDomainOf } from '../../certs/spiffe-id.ts';
import { systemClock as clock } from '../clock.ts';
import { thisMachine } from '../config/world.ts';
import { loadConfigFile, loadSnapshot } from '../control/load-snapshot.ts';
import { type Denial, denialRow, isDenial } from '../denial.ts';
import type { Accepted, RequestBody } from '../exchange.ts';
import type { Identified } from '../filters/identity.ts';
import { createRehearsal } from '../pipeline.ts';
import type { Snapshot } from '../snapshot.ts';
import { hydrate } from '../snapshot-data.ts';
import { type Arguments, type Command, type Io, requiredValue, UsageError, valueOf } from './command.ts';
import { painter } from './render.ts';

export const explainCommands: readonly Command[] = [
  {
    path: ['explain'],
    summary: 'decide one request given here, offline, and say why',
    options: [
      { name: 'config', short: 'c', value: 'FILE', required: true, help: 'the configuration file' },
      { name: 'id', value: 'SPIFFE_ID', required: true, help: 'who asks' },
      { name: 'target', value: 'TARGET', required: true, help: 'path and query, as on the wire' },
      { name: 'method', value: 'METHOD', help: 'default: GET' },
      { name: 'header', value: 'NAME: VALUE', repeat: true, help: 'a request header' },
      { name: 'body', value: 'FILE', help: 'file with the request body' },
      { name: 'at', value: 'TIME', help: 'RFC 3339 time of the request; default: now' },
      { name: 'json', help: 'print one JSON document' },
    ],
    exitCodes: { 0: 'it would be allowed', 1: 'it would be refused' },
    run: explain,
  },
];

type Rehearsed = Awaited<ReturnType<ReturnType<typeof createRehearsal>['run']>>;

async function explain(args: Arguments, io: Io): Promise<number> {
  const { config } = await loadConfigFile(resolve(io.cwd, requiredValue(args, 'config')), thisMachine(), io.cwd);
  const cacheFolder = join(config.identity.stateFolder, 'policy-cache');
  // Who may vouch for the peer is not asked here, so the trust bundle stays empty.
  const snapshot = hydrate(await loadSnapshot(config, [], cacheFolder));
  const facts = await givenFacts(args, io, snapshot);
  const idle = () => undefined;
  const outcome = await createRehearsal({ enter: idle, leave: idle }).run(facts, idle, clock.monotonicMs);
  io.out(
    args.switches.has('json') ? `${JSON.stringify(answerOf(outcome, facts), null, 2)}\n` : text(outcome, facts, io),
  );
  return isDenial(outcome) ? 1 : 0;
}

async function givenFacts(args: Arguments, io: Io, snapshot: Snapshot): Promise<Accepted & Identified> {
  const method = valueOf(args, 'method') ?? 'GET';
  const file = valueOf(args, 'body');
  const body = file === undefined ? undefined : wholeBody(await readGiven(resolve(io.cwd, file)));
  const headers = (args.values.get('header') ?? []).flatMap(readHeader);
  const hasHost = headers.some((part, index) => index % 2 === 0 && part.toLowerCase() === 'host');
  const at = valueOf(args, 'at');
  const receivedMs = at === undefined ? io.now() : Date.parse(at);
  if (Number.isNaN(receivedMs)) throw new UsageError('--at is not an RFC 3339 time');
  const peer = namedPeer(readId(requiredValue(args, 'id')), receivedMs);
  return {
    id: randomUUID(),
    receivedMs,
    beganNs: clock.monotonicNs(),
    number: 1,
    method,
    target: requiredValue(args, 'target'),
    headers: hasHost ? headers : ['host', 'localhost', ...headers],
    incoming: body,
    bytesIn: () => body?.receivedBytes ?? 0,
    connection: {
      id: randomUUID(),
      openedMs: receivedMs,
      peer,
      remote: { ip: '127.0.0.1', port: 0 },
      local: { ip: '127.0.0.1', port: snapshot.config.listen.port },
      tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
      serverName: undefined,
    },
    peer,
    snapshot,
    sent: { toWorkload: false },
    signal: new AbortController().signal,
    atEnd: [],
  };
}

function readId(text: string): SpiffeId {
  try {
    return parseSpiffeId(text);
  } catch (cause) {
    if (cause instanceof CertsError) throw new UsageError(`--id: ${cause.message}`);
    throw cause;
  }
}

function readHeader(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  if (colon < 1) throw new UsageError(`--header is not NAME: VALUE: ${JSON.stringify(line)}`);
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
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

function answerOf(outcome: Rehearsed, { snapshot }: Accepted): object {
  const judgedBy = { snapshot: snapshot.digest, policy: snapshot.engine.revision };
  if (!isDenial(outcome)) {
    const { permit, route } = outcome;
    return { allowed: true, route: route.config.name, rule: permit.rule, reasons: permit.reasons, ...judgedBy };
  }
  const { status, kind } = denialRow(outcome.code);
  const { code, rule, reasons, detail, pointer } = outcome;
  return { allowed: false, status, code, kind, rule, reasons, detail, pointer, ...judgedBy };
}

function text(outcome: Rehearsed, facts: Accepted, io: Io): string {
  const paint = painter(io.color);
  const lines = isDenial(outcome)
    ? [`${paint('red', 'refused')}  ${denialRow(outcome.code).status} ${outcome.code}`, ...why(outcome)]
    : [
        `${paint('green', 'allowed')}  route ${outcome.route.config.name}`,
        ...detailLines({ rule: outcome.permit.rule, reasons: outcome.permit.reasons }),
      ];
  return `${[...lines, `  policy   ${facts.snapshot.engine.revision}`].join('\n')}\n`;
}

function why(denial: Denial): string[] {
  return [`  means    ${denialRow(denial.code).meaning}`, ...detailLines(denial)];
}

function detailLines({ rule, reasons, detail, pointer }: Pick<Denial, 'rule' | 'reasons' | 'detail' | 'pointer'>) {
  return [
    ...(rule ? [`  rule     ${rule}`] : []),
    ...(reasons ?? []).map((reason) => `  reason   ${reason}`),
    ...(detail === undefined ? [] : [`  detail   ${detail}`]),
    ...(pointer === undefined ? [] : [`  at       ${JSON.stringify(pointer)}`]),
  ];
}
