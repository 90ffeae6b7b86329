import path from 'node:path';
import { eventTypes } from '../audit/catalogue.ts';
import { quoted } from '../audit/encode-text.ts';
import { readLines } from '../audit/lines.ts';
import { type StreamReport, segmentFiles, streamNames, verifyAudit } from '../audit/verify.ts';
import { nearest } from '../config/section.ts';
import { type Arguments, type Command, type Io, UsageError, valueOf } from './command.ts';

const JSON_OPTION = { name: 'json', help: 'Print JSON.' } as const;

const verify: Command = {
  path: ['audit', 'verify'],
  summary: 'Check that no audit record was changed, removed, repeated or moved',
  positionals: 'FOLDER',
  options: [JSON_OPTION],
  exitCodes: {
    0: 'every record verifies',
    1: 'tampered with; the first bad record is named',
    3: 'no readable trail',
  },
  run: async (args, io) => report(await verifyAudit(folderOf(args, io)), args, io),
};

const show: Command = {
  path: ['audit', 'show'],
  summary: 'Print audit records, of all streams or filtered',
  positionals: 'FOLDER',
  options: [
    { name: 'type', value: 'TYPE', repeat: true, help: 'Only records of this type, such as authz.deny.' },
    { name: 'id', value: 'ID', help: 'Only records with this request or connection id.' },
    { name: 'json', help: 'Print the lines exactly as they stand in the files.' },
  ],
  exitCodes: { 0: 'at least one record', 1: 'no record matches', 3: 'no readable trail' },
  run: async (args, io) => showRecords(folderOf(args, io), args, io),
};

export const auditCommands: readonly Command[] = [verify, show];

function folderOf(args: Arguments, io: Io): string {
  const [folder, ...more] = args.positionals;
  if (folder === undefined || more.length > 0) throw new UsageError('name exactly one audit folder');
  return path.resolve(io.cwd, folder);
}

function report(streams: readonly StreamReport[], args: Arguments, io: Io): number {
  const isGood = streams.every(({ fault }) => fault === undefined);
  if (args.switches.has('json')) {
    const plain = streams.map((stream) => ({ ...stream, fault: stream.fault ?? null }));
    io.out(`${JSON.stringify({ ok: isGood, streams: plain })}\n`);
  } else {
    for (const stream of streams) io.out(`${streamLine(stream)}\n`);
  }
  return isGood ? 0 : 1;
}

function streamLine({ stream, records, segments, head, fault }: StreamReport): string {
  if (fault === undefined) {
    return `ok   ${stream}: ${count(records, 'record')} in ${count(segments, 'file')}, head ${head}`;
  }
  const place = fault.line === 0 ? fault.file : `${fault.file}:${fault.line}`;
  return `BAD  ${stream}: ${fault.kind} at ${place}, record ${fault.seq}: ${fault.message}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

async function showRecords(folder: string, args: Arguments, io: Io): Promise<number> {
  const types = new Set((args.values.get('type') ?? []).map(knownType));
  const id = valueOf(args, 'id');
  let shown = 0;
  for (const stream of streamNames(folder)) {
    for (const file of segmentFiles(path.join(folder, stream))) {
      for await (const { text } of readLines(file)) {
        const record = parsed(text);
        if (record === undefined) continue;
        if (types.size > 0 && !types.has(textOf(record, 'type'))) continue;
        if (id !== undefined && textOf(record, 'id') !== id) continue;
        io.out(`${args.switches.has('json') ? text : summary(record)}\n`);
        shown += 1;
      }
    }
  }
  if (shown > 0) return 0;
  io.err('no record matches\n');
  return 1;
}

/** A slip in a type would look like a trail without such records. Throws UsageError. */
function knownType(text: string): string {
  if (Object.hasOwn(eventTypes, text)) return text;
  const all = Object.keys(eventTypes);
  const close = nearest(text, all);
  const advice = close === undefined ? `the types are ${all.join(', ')}` : `did you mean '${close}'?`;
  throw new UsageError(`--type: there is no record type '${text}'; ${advice}`);
}

type PlainRecord = Readonly<Record<string, unknown>>;

/** What does not parse is for `audit verify` to report. */
function parsed(line: string): PlainRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is PlainRecord {
  return typeof value === 'object' && value !== null;
}

/** Quoted again where it is not plain, since a terminal obeys what a client sent (CWE-150). */
function textOf(record: PlainRecord, ...names: readonly string[]): string {
  let value: unknown = record;
  for (const name of names) value = isRecord(value) ? value[name] : undefined;
  if (value === undefined) return '';
  const plain = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\x20-\x7e]*$/.test(plain) ? plain : quoted(plain);
}

function summary(record: PlainRecord): string {
  const words = [
    textOf(record, 'ts'),
    `${textOf(record, 'stream')}/${textOf(record, 'seq')}`,
    textOf(record, 'type'),
    textOf(record, 'status'),
    textOf(record, 'reason'),
    textOf(record, 'peer', 'spiffe'),
    textOf(record, 'object', 'method'),
    textOf(record, 'object', 'target'),
    textOf(record, 'detail'),
  ];
  return words.filter((word) => word !== '').join('  ');
}
