import { type Dispatcher, Pool } from 'undici';
import type { WorkloadConfig } from '../config/config.ts';

/** Where `forward` sends a request. */
export type WorkloadPool = Dispatcher;

/** Connections to the workload: one request at a time on each, never pipelined, nothing retried. */
export function openPool(workload: WorkloadConfig): WorkloadPool {
  const { address } = workload;
  const origin = address.kind === 'tcp' ? `http://${bracketed(address.host)}:${address.port}` : 'http://workload';
  return new Pool(origin, {
    connections: workload.maxConnections,
    pipelining: 1,
    allowH2: false,
    connect: {
      timeout: workload.connectTimeoutMs,
      ...(address.kind === 'unix' ? { socketPath: address.path } : {}),
    },
    headersTimeout: workload.headersTimeoutMs,
    bodyTimeout: workload.bodyTimeoutMs,
    maxHeaderSize: 16 * 1024,
    strictContentLength: true,
    // Below the 5 s after which many servers close an idle connection: a request must not meet that close.
    keepAliveTimeout: 4000,
    keepAliveMaxTimeout: 60_000,
  });
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
