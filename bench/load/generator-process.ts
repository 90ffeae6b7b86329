// The process of the load generator, apart from everything that is measured. Started by `startGenerator`; it ends with its parent.
import { closedLoop } from './closed-loop.ts';
import type { Numbered, Order, Report } from './generator-protocol.ts';
import { newConnections } from './handshakes.ts';
import { prepareRequest } from './load-request.ts';
import { openLoop } from './open-loop.ts';
import { openPool, type Pool, TargetLost } from './pool.ts';

const pools = new Map<number, Pool>();

function poolOf(number: number): Pool {
  const pool = pools.get(number);
  if (pool === undefined) throw new RangeError(`no pool has the number ${number}`);
  return pool;
}

async function follow(order: Order): Promise<Report> {
  switch (order.do) {
    case 'open':
      pools.set(order.pool, await openPool(order.target, order.connections));
      return { kind: 'done' };
    case 'closed-loop': {
      const outcome = await closedLoop(poolOf(order.pool), order.requests.map(prepareRequest), order.until);
      return { kind: 'outcome', outcome };
    }
    case 'open-loop': {
      const outcome = await openLoop(poolOf(order.pool), order.requests.map(prepareRequest), order.rate);
      return { kind: 'outcome', outcome };
    }
    case 'new-connections': {
      const { target, requests, atOnce, until } = order;
      return { kind: 'outcome', outcome: await newConnections(target, requests.map(prepareRequest), atOnce, until) };
    }
    case 'alive':
      return { kind: 'alive', alive: poolOf(order.pool).alive() };
    case 'close':
      poolOf(order.pool).close();
      pools.delete(order.pool);
      return { kind: 'done' };
  }
}

async function answer({ id, content }: Numbered<Order>): Promise<void> {
  const report = await follow(content).catch((cause: unknown): Report => {
    if (cause instanceof TargetLost) return { kind: 'lost', reason: cause.message };
    return { kind: 'bug', stack: cause instanceof Error ? String(cause.stack) : String(cause) };
  });
  process.send?.({ id, content: report } satisfies Numbered<Report>);
}

process.on('message', (order: Numbered<Order>) => void answer(order));
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole group of processes; the parent decides what becomes of a run.
process.on('SIGINT', () => undefined);
