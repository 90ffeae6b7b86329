import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Until } from './closed-loop.ts';
import type { Numbered, Order, Report } from './generator-protocol.ts';
import type { LoadRequest } from './load-request.ts';
import type { Rate } from './open-loop.ts';
import { TargetLost } from './pool.ts';
import type { LoadOutcome } from './tally.ts';
import type { Target } from './target.ts';

/** Kept-alive connections to one target; a run begins when they are open, so that no handshake is counted as a request. */
export type LoadConnections = {
  readonly closedLoop: (requests: readonly LoadRequest[], until: Until) => Promise<LoadOutcome>;
  readonly openLoop: (requests: readonly LoadRequest[], rate: Rate) => Promise<LoadOutcome>;
  /** How many of them the target has not closed. */
  readonly alive: () => Promise<number>;
  readonly close: () => Promise<void>;
};

/** Makes load in a process of its own, so that what it takes is never counted as the target's. */
export type Generator = {
  readonly pid: number;
  /** Rejects with TargetLost when they cannot be opened. Without requests they are idle connections. */
  readonly connect: (target: Target, connections: number) => Promise<LoadConnections>;
  /** A new connection for each request, so many at a time. */
  readonly newConnections: (
    target: Target,
    requests: readonly LoadRequest[],
    load: Until & { readonly atOnce: number },
  ) => Promise<LoadOutcome>;
  readonly close: () => Promise<void>;
};

export function startGenerator(): Generator {
  // The same file in TypeScript here and in JavaScript in an image.
  const program = fileURLToPath(new URL(`./generator-process${extname(import.meta.url)}`, import.meta.url));
  const child = fork(program, {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ask = orders(child);
  const outcomeOf = async (order: Order) => {
    const report = await ask(order);
    if (report.kind !== 'outcome') throw unexpected(report);
    return report.outcome;
  };
  let pools = 0;
  const connect = async (target: Target, connections: number): Promise<LoadConnections> => {
    const pool = ++pools;
    await ask({ do: 'open', pool, target, connections });
    return {
      closedLoop: (requests, until) => outcomeOf({ do: 'closed-loop', pool, requests, until }),
      openLoop: (requests, rate) => outcomeOf({ do: 'open-loop', pool, requests, rate }),
      alive: async () => {
        const report = await ask({ do: 'alive', pool });
        if (report.kind !== 'alive') throw unexpected(report);
        return report.alive;
      },
      close: async () => void (await ask({ do: 'close', pool })),
    };
  };
  return {
    pid: child.pid ?? 0,
    connect,
    newConnections: (target, requests, { atOnce, ...until }) =>
      outcomeOf({ do: 'new-connections', target, requests, atOnce, until }),
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

/** Sends orders and finds their reports. Rejects with TargetLost for a target that is not there. */
function orders(child: ChildProcess): (order: Order) => Promise<Report> {
  const open = new Map<number, PromiseWithResolvers<Report>>();
  let number = 0;
  child.on('message', ({ id, content }: Numbered<Report>) => {
    const waiting = open.get(id);
    open.delete(id);
    if (content.kind === 'lost') waiting?.reject(new TargetLost(content.reason));
    else if (content.kind === 'bug') waiting?.reject(new Error(content.stack));
    else waiting?.resolve(content);
  });
  child.on('exit', (code, signal) => {
    for (const waiting of open.values()) waiting.reject(new Error(`the load generator ended: ${signal ?? code}`));
    open.clear();
  });
  return (content) => {
    const id = ++number;
    const waiting = Promise.withResolvers<Report>();
    open.set(id, waiting);
    child.send({ id, content } satisfies Numbered<Order>);
    return waiting.promise;
  };
}

function unexpected(report: Report): Error {
  return new Error(`the load generator reported '${report.kind}'`);
}
