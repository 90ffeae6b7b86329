import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Generator, startGenerator } from '../../load/generator.ts';
import type { Credential, Target } from '../../load/target.ts';
import { freePort } from '../../peers/opa.ts';
import { launch, writeConfig } from '../../peers/launch.ts';
import { type Peer, type Running, usual, type Wanted } from '../../peers/peer.ts';
import { clientId, createPki, type PeerPki } from '../../peers/pki.ts';
import { findProgram, programPath } from '../../peers/programs.ts';
import type { Bench } from '../../run.ts';
import { type Case, megabyte } from '../scenario.ts';

/** What all peers of a run share. */
export type Field = {
  readonly folder: string;
  readonly pki: PeerPki;
  readonly generator: Generator;
  readonly client: Credential;
  readonly crowd: (size: number) => Promise<readonly Credential[]>;
};

export async function openField(t: Bench, folder: string): Promise<Field> {
  const pki = await createPki(t, join(folder, 'pki'));
  const generator = startGenerator();
  t.teardown(() => generator.close());
  const known: Credential[] = [];
  const crowd = async (size: number) => {
    while (known.length < size) known.push(await pki.issue(`${clientId}-${known.length}`));
    return known.slice(0, size);
  };
  return { folder, pki, generator, client: await pki.issue(clientId), crowd };
}

/** The workload's port. Whatever it takes is never counted. */
export async function startWorkload(t: Bench, folder: string, kind: Case['workload'] = 'responder'): Promise<number> {
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  if (kind === 'responder' && findProgram('nginx') !== undefined) {
    const config = writeConfig(folder, 'workload/nginx.conf', { PORT: port });
    const words = ['-e', 'stderr', '-p', `${folder}/`, '-c', config];
    await launch(t, { command: programPath('nginx'), words, folder, port });
  } else {
    const size = kind === 'sender' ? [String(megabyte)] : [];
    const words = [join(import.meta.dirname, '../../peers/workload/responder.ts'), String(port), ...size];
    await launch(t, { command: process.execPath, words, folder, port });
  }
  return port;
}

export type Started = { readonly running: Running; readonly folder: string; readonly startMs: number };

let starts = 0;

/** Resolves when the peer has answered a request as it should. */
export async function startPeer(
  t: Bench,
  { folder: root, pki, generator, client }: Field,
  peer: Peer,
  { wanted, workloadPort }: { readonly wanted: Partial<Wanted>; readonly workloadPort: number },
): Promise<Started> {
  const folder = join(root, `${++starts}-${peer.name}`);
  mkdirSync(folder);
  const beganMs = performance.now();
  const running = await peer.start(t, { ...usual, ...wanted, folder, pki, workloadPort });
  const first = await generator.newConnections(
    targetOf(running, client),
    [{ method: 'GET', path: '/orders/1', headers: { accept: 'application/json' } }],
    { atOnce: 1, requests: 1 },
  );
  if (first.answered !== 1) throw new Error(`the first request failed: ${Object.keys(first.failures).join(', ')}`);
  return { running, folder, startMs: performance.now() - beganMs };
}

export function targetOf({ port }: Pick<Running, 'port'>, client: Credential): Target {
  return { kind: 'tls', host: '127.0.0.1', port, credentials: [client] };
}
