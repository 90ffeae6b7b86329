import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { lockAuditFolder } from '../audit/folder-lock.ts';
import { type StreamReport, verifyAudit } from '../audit/verify.ts';
import { systemClock } from '../clock.ts';
import { thisMachine } from '../config/world.ts';
import { claimPort } from '../control/free-port.ts';
import { type RunningProxy, startProxy } from '../control/start.ts';
import { type DemoFolder, layOut } from '../demo/folder.ts';
import { issueIdentities, proxySpiffeId } from '../demo/identities.ts';
import { startOrdersWorkload } from '../demo/orders-workload.ts';
import { type Performed, perform } from '../demo/perform.ts';
import { curlLines, outcomeTable } from '../demo/story.ts';
import { ProxyError } from '../errors.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { version } from '../version.ts';
import { type Arguments, type Command, type Io, UsageError, valueOf } from './command.ts';
import { painter } from './render.ts';

const defaultPort = 8443;
const tableWidth = 140;

export const demoCommands: readonly Command[] = [
  {
    path: ['demo'],
    summary: 'start a workload with the proxy in front of it, send eight requests and show what happened and why',
    options: [
      { name: 'once', help: 'end after the table' },
      { name: 'port', value: 'N', help: `port of the proxy on 127.0.0.1, ${defaultPort} unless given` },
    ],
    exitCodes: {
      0: 'every outcome was the expected one, and the audit trail verifies',
      1: 'an outcome was not the expected one, or the audit trail does not verify',
      3: 'the demo could not start, for example because the port is in use',
    },
    run: demo,
  },
];

async function demo(args: Arguments, io: Io): Promise<number> {
  const proxyPort = readPort(valueOf(args, 'port'));
  await refuseIfRunning(io, proxyPort);
  const workload = await startOrdersWorkload();
  const { log, serving } = demoLog(io);
  try {
    const folder = layOut(demoFolder(io), { proxy: proxyPort, workload: workload.port });
    const identities = await issueIdentities(folder, io.now);
    const proxy = await startProxy({
      configFile: folder.configFile,
      cwd: io.cwd,
      version,
      world: thisMachine(io.env),
      clock: systemClock,
      log,
    });
    let ending: Promise<unknown> | undefined;
    const end = () => (ending ??= proxy.close('the demo ended'));
    try {
      const since = new Date(io.now()).toISOString();
      const target = { port: proxy.address.port, root: identities.root, spiffeId: proxySpiffeId };
      const rows = await perform(target, identities.credentials, folder.auditFolder, since);
      const trail = await verifyAudit(folder.auditFolder);
      tellRows(rows, io);
      tellTrail(trail, folder, io);
      const atTheEnd = args.switches.has('once') ? trail : await serving(() => served(folder, proxy, end, io));
      return rows.every(({ asExpected }) => asExpected) && atTheEnd.every(isSound) ? 0 : 1;
    } finally {
      await end();
    }
  } finally {
    await workload.close();
  }
}

/** Before a file is touched: another demo in this folder would reload what we write into its configuration. */
async function refuseIfRunning(io: Io, port: number): Promise<void> {
  await claimPort('127.0.0.1', port).catch((cause: unknown) => {
    if (!(cause instanceof ProxyError) || cause.code !== 'port-in-use') throw cause;
    throw new ProxyError('demo-port-in-use', `another process listens on 127.0.0.1:${port}`, { cause });
  });
  const auditFolder = join(demoFolder(io), 'audit');
  if (existsSync(auditFolder)) lockAuditFolder(auditFolder, io.now).release();
}

/** Nothing but errors while the table is made: that the disk is three quarters full is none. Once it serves, also what comes of a change of its files. */
function demoLog(io: Io): { readonly log: Log; readonly serving: <T>(serve: () => Promise<T>) => Promise<T> } {
  const all = createLog({ write: io.err, now: io.now, format: 'text' });
  let isServing = false;
  const onceServing =
    (level: 'info' | 'warn'): Log['info'] =>
    (event, fields) => {
      if (isServing) all[level](event, fields);
    };
  const serving = async <T>(serve: () => Promise<T>) => {
    isServing = true;
    try {
      return await serve();
    } finally {
      isServing = false;
    }
  };
  return { log: { ...all, info: onceServing('info'), warn: onceServing('warn') }, serving };
}

function demoFolder(io: Io): string {
  return join(io.cwd, '.portcullis', 'demo');
}

function readPort(text: string | undefined): number {
  if (text === undefined) return defaultPort;
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port <= 65_535) return port;
  throw new UsageError(`--port takes a number from 0 to 65535 (0: any free one), not '${text}'`);
}

function tellRows(rows: readonly Performed[], io: Io): void {
  const asExpected = rows.filter((row) => row.asExpected).length;
  io.out(`\n${outcomeTable(rows, tableWidth, painter(io.color))}\n\n`);
  io.out(`${asExpected} of ${rows.length} outcomes as expected. `);
}

function tellTrail(trail: readonly StreamReport[], folder: DemoFolder, io: Io): void {
  const paint = painter(io.color);
  const records = trail.reduce((sum, stream) => sum + stream.records, 0);
  const broken = trail.find((stream) => !isSound(stream));
  io.out(
    broken === undefined
      ? `Audit trail verified: ${records} records in ${relative(io.cwd, folder.auditFolder)}\n`
      : `${paint('red', `The audit trail does NOT verify (${broken.stream})`)}\n`,
  );
}

function isSound({ fault }: StreamReport): boolean {
  return fault === undefined;
}

/** Closed before the trail is read again, so that the record of the end is in it. */
async function served(
  folder: DemoFolder,
  proxy: RunningProxy,
  end: () => Promise<unknown>,
  io: Io,
): Promise<readonly StreamReport[]> {
  await untilSignal(folder, proxy, io);
  await end();
  const trail = await verifyAudit(folder.auditFolder);
  io.out('\nEnded. ');
  tellTrail(trail, folder, io);
  return trail;
}

function untilSignal(folder: DemoFolder, { address: { port }, admin }: RunningProxy, io: Io): Promise<void> {
  io.out(`\nTry it yourself: allowed, denied by policy, refused at the door\n\n`);
  const near: DemoFolder = { ...folder, path: relative(io.cwd, folder.path) };
  for (const line of curlLines(near, port)) io.out(`  ${line}\n`);
  io.out(
    '\nThe last one ends in `curl: (56)` or `(52)`, since the closed connection is the refusal. Why it was refused:\n\n',
  );
  const launcher = relative(io.cwd, join(import.meta.dirname, 'portcullis'));
  io.out(`  ${launcher} audit show ${relative(io.cwd, folder.auditFolder)} --type tls.reject\n`);
  if (admin?.kind === 'tcp') io.out(`\nHealth and metrics: http://${admin.host}:${admin.port}/metrics\n`);
  io.out(`\nServing on https://localhost:${port} with ${relative(io.cwd, folder.configFile)}. Ctrl-C ends it.\n`);
  return new Promise((resolve) => {
    const stop = io.onSignal(() => {
      stop();
      resolve();
    });
  });
}
