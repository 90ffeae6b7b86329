import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AuditRecord, clientId, type TestProxy } from '../test/harness/proxy.ts';
import { load, type LoadResult } from './load/each-answer.ts';

export type ReloadRun = {
  readonly reloads: number;
  readonly ratePerSecond: number;
  readonly connections: number;
  /** The load goes on for so long, however soon the reloads are done. */
  readonly atLeastMs: number;
};

export type ReloadReport = {
  readonly load: LoadResult;
  /** In the order in which they came into force, the one of the start first. */
  readonly digests: readonly string[];
  /** Requests on record, by the digest they were judged by. */
  readonly recordsByDigest: ReadonlyMap<string, number>;
};

/** What a proxy must be started with for this. */
export const reloadFiles = { 'policy/authz.rego': policy(0), 'data.json': data(0) };
export const reloadConfig = { policy: { rego: './policy', data: './data.json' } };

/** Policy, data and their revision change again and again while requests go on. */
export async function reloadUnderLoad(proxy: TestProxy, run: ReloadRun): Promise<ReloadReport> {
  let reloading = true;
  const loading = load({
    port: proxy.port,
    credential: proxy.client,
    connections: run.connections,
    ratePerSecond: run.ratePerSecond,
    goesOn: (_, elapsedMs) => reloading || elapsedMs < run.atLeastMs,
    request: (number) =>
      number % 4 === 0
        ? { method: 'POST', path: `/load/${number}`, body: 'x'.repeat(1024) }
        : { method: 'GET', path: `/load/${number}` },
  });
  const reloaded = reloadAgainAndAgain(proxy, run.reloads).finally(() => {
    reloading = false;
  });
  const [result] = await Promise.all([loading, reloaded]);
  const records = proxy.audit().filter(isExchange);
  const recordsByDigest = new Map<string, number>();
  for (const { snapshot } of records) {
    recordsByDigest.set(String(snapshot), (recordsByDigest.get(String(snapshot)) ?? 0) + 1);
  }
  return { load: result, digests: digestsOf(proxy.log()), recordsByDigest };
}

async function reloadAgainAndAgain(proxy: TestProxy, reloads: number): Promise<void> {
  const before = digestsOf(proxy.log()).length;
  for (let reload = 1; reload <= reloads; reload++) {
    // Data alone is the cheap change; each tenth compiles Rego in a child process beside the load.
    if (reload % 10 === 0) replaceFile(proxy, 'policy/authz.rego', policy(reload));
    else replaceFile(proxy, 'data.json', data(reload));
    await proxy.untilLog((log) => digestsOf(log).length >= before + reload);
  }
}

/** As a deployment does it: nobody ever sees half a file. */
export function replaceFile(proxy: TestProxy, name: string, content: string): void {
  const file = join(proxy.folder, name);
  writeFileSync(`${file}.next`, content);
  renameSync(`${file}.next`, file);
}

export function digestsOf(log: string): readonly string[] {
  return [...log.matchAll(/"(?:snapshot|digest)":"(sha256:[0-9a-f]{64})"/g)].map(([, digest = '']) => digest);
}

export function isExchange({ type }: AuditRecord): boolean {
  return /^(authz|input|output|limit|upstream|client|internal)\./.test(type);
}

function policy(version: number): string {
  return `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "v${version}", "reasons": [data.version]} if {
	input.attributes.source.principal == "${clientId}"
}
`;
}

function data(version: number): string {
  return JSON.stringify({
    version: `data ${version}`,
    filler: Array.from({ length: 500 }, (_, n) => `${n}-${version}`),
  });
}
