import { benchCompare } from './bench-compare.ts';
import type { Command } from './command.ts';
import { benchPolicy } from './bench-policy.ts';
import { benchProxy } from './bench-proxy.ts';

/** What they run is loaded when it is asked for: the process that serves carries nothing of bench/. */
export const benchCommands: readonly Command[] = [benchPolicy, benchProxy, benchCompare];
