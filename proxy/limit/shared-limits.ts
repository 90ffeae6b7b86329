import { ProxyError } from '../errors.ts';
import {
  type Concurrency,
  type ConcurrencyMemory,
  createConcurrency,
  openConcurrency,
  releaseConcurrencyOf,
} from './concurrency.ts';
import { underThisQuota } from './gcra.ts';
import { createHeldBytes, type HeldBytesMemory, releaseHeldBytesOf } from './held-bytes.ts';
import { createQuotas, openQuotas, type QuotaMemory, type Quotas } from './quotas.ts';
import { releaseTableLocks } from './shared-table.ts';

/**
 * Every counter that must be exact over all data threads, in memory that the main thread reserves at start and each
 * data thread opens. Plain data around SharedArrayBuffers: it travels in a message.
 */
export type SharedLimitsMemory = {
  readonly quotas: QuotaMemory;
  readonly tokens: QuotaMemory;
  readonly requests: ConcurrencyMemory;
  readonly connections: ConcurrencyMemory;
  readonly held: HeldBytesMemory;
};

export type SharedLimitsOptions = {
  /** Identities that can be told apart at once. */
  readonly maxIdentities: number;
  readonly threads: number;
  /** Routes that have a quota: each gives an identity one more key. Beyond the reserve new keys are refused, none forgotten. */
  readonly quotasPerIdentity?: number;
  readonly maxSingleUseTokens?: number;
};

export type SharedLimits = {
  readonly quotas: Quotas;
  /** Tokens that may be used once. */
  readonly tokens: Quotas;
  /** Requests in flight. */
  readonly requests: Concurrency;
  /** Open connections. */
  readonly connections: Concurrency;
};

/** Throws ProxyError. */
export function createSharedLimits(options: SharedLimitsOptions): SharedLimitsMemory {
  const { maxIdentities, threads, quotasPerIdentity = 1, maxSingleUseTokens = 16 } = options;
  try {
    return {
      quotas: createQuotas(maxIdentities * Math.max(1, quotasPerIdentity)),
      tokens: createQuotas(maxSingleUseTokens),
      requests: createConcurrency(maxIdentities, threads),
      connections: createConcurrency(maxIdentities, threads),
      held: createHeldBytes(threads),
    };
  } catch (cause) {
    const asked = `${threads} threads, ${maxIdentities} identities, routes with a quota: ${quotasPerIdentity}, ${maxSingleUseTokens} tokens`;
    throw new ProxyError('memory-unavailable', `no room for the limits of ${asked}`, { cause });
  }
}

/** `thread` is from 0 to `threads` - 1, and no two running threads have the same. */
export function openSharedLimits(memory: SharedLimitsMemory, thread: number): SharedLimits {
  return {
    // Not of tokens: each brings a quota of its own, and one that ends early must not make another of its name forgotten.
    quotas: openQuotas(memory.quotas, thread, underThisQuota),
    tokens: openQuotas(memory.tokens, thread),
    requests: openConcurrency(memory.requests, thread),
    connections: openConcurrency(memory.connections, thread),
  };
}

/**
 * Gives back what a thread held when it ended: locks, requests, connections and bytes. Quotas it used stay used. For the main
 * thread, after the worker's `exit` event and before another thread gets the same index.
 */
export function releaseThread(memory: SharedLimitsMemory, thread: number): void {
  releaseTableLocks(memory.quotas.table, thread);
  releaseTableLocks(memory.tokens.table, thread);
  releaseConcurrencyOf(memory.requests, thread);
  releaseConcurrencyOf(memory.connections, thread);
  releaseHeldBytesOf(memory.held, thread);
}
