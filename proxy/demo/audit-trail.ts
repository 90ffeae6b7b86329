import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** What the demo reads from one audit record of a request or of a refused handshake. */
export type Evidence = {
  readonly type: string;
  readonly reason: string | undefined;
  readonly detail: string | undefined;
  readonly pointer: string | undefined;
  readonly rule: string | undefined;
  readonly status: number | undefined;
};

/** The records of the demo's own requests, in the order in which they were made; waits until all have reached the disk. */
export async function readEvidence(folder: string, since: string, wanted: number): Promise<readonly Evidence[]> {
  const attempts = 200;
  for (let attempt = 0; ; attempt++) {
    const found = recordsSince(folder, since);
    if (found.length >= wanted || attempt === attempts) return found;
    await wait(10);
  }
}

function recordsSince(folder: string, since: string): Evidence[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Evidence & { ts: string; mono_ns: string; id?: string })
    .filter((record) => record.ts >= since && record.id !== undefined && record.type !== 'tls.accept')
    .sort((a, b) => Number(BigInt(a.mono_ns) - BigInt(b.mono_ns)));
}
