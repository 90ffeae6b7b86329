import { readFile, stat } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Endpoint } from '../../certs/sources/workload-api/endpoint.ts';
import type { Parsed } from './shape.ts';
import { parseSpiffeEndpoint } from './spiffe-endpoint.ts';

export type FileFacts = {
  readonly kind: 'file' | 'folder' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly sizeBytes: number;
};

/** What loading a configuration may learn of the machine; the tests make their own. */
export type World = {
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** Follows symbolic links, as reading does. */
  readonly stat: (path: string) => Promise<FileFacts>;
  readonly euid: number;
  /** Granted to this process, which may be fewer than the machine has. */
  readonly cores: number;
  /** The lowest port that this process may listen on. */
  readonly firstFreePort: number;
  /** What SPIFFE_ENDPOINT_SOCKET of the environment says; undefined where it is not set. */
  readonly spiffeEndpoint: Parsed<Endpoint> | undefined;
};

type Environment = { readonly [name: string]: string | undefined };

export function thisMachine(env: Environment = {}): World {
  const { SPIFFE_ENDPOINT_SOCKET: socket } = env;
  const euid = process.geteuid?.() ?? -1;
  return {
    readFile: async (path) => readFile(path),
    stat: async (path) => {
      const found = await stat(path);
      const kind = found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other';
      return { kind, mode: found.mode & 0o7777, uid: found.uid, sizeBytes: found.size };
    },
    euid,
    cores: availableParallelism(),
    firstFreePort: firstFreePort(euid),
    spiffeEndpoint: socket === undefined ? undefined : parseSpiffeEndpoint(socket),
  };
}

const CAP_NET_BIND_SERVICE = 10n;

/** capabilities(7) and ip(7): containers often grant low ports by the sysctl, systemd by the capability. */
function firstFreePort(euid: number): number {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(procFile('/proc/self/status') ?? '')?.[1];
  if (capabilities !== undefined && (BigInt(`0x${capabilities}`) >> CAP_NET_BIND_SERVICE) & 1n) return 0;
  if (capabilities === undefined && euid === 0) return 0;
  const start = Number.parseInt(procFile('/proc/sys/net/ipv4/ip_unprivileged_port_start') ?? '', 10);
  return Number.isNaN(start) ? 1024 : start;
}

function procFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
