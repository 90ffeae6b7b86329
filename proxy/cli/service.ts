import { createLog, type Log } from '../telemetry/log.ts';
import { requireFixedRuntime, runtimeVersions, runtimeWarnings } from '../telemetry/runtime.ts';
import type { Arguments, Command, Io } from './command.ts';
import { keepMemoryOutOfCoreDumps } from './core-dumps.ts';
import { keepRootsOfNode, refuseWeakenedRuntime } from './weakened-runtime.ts';

export const strictRuntimeOption: Command['options'][number] = {
  name: 'strict-runtime',
  help: 'refuse to start on a Node.js without known security fixes',
};

export type Service = {
  readonly log: Log;
  readonly versions: ReturnType<typeof runtimeVersions>;
  /** Warns of what was taken out of the runtime and of fixes that it lacks, once all is started: before, an error comes first. */
  readonly warnOfRuntime: () => void;
};

/** What every command does first that holds keys and stays: its log, and a runtime that gives away no memory and no TLS. */
export function beginService(args: Arguments, io: Io): Service {
  const log = createLog({ write: io.err, now: io.now, format: io.errorColor ? 'text' : 'json' });
  // Whoever sends it wants a reload: to end without a drain and without a last record, as by default, is the opposite.
  io.onHangup?.(() => log.warn('signal.ignored', { signal: 'SIGHUP', statement: 'files are watched, SIGTERM stops' }));
  refuseWeakenedRuntime(io.env, process.execArgv, process.getBuiltinModule('node:inspector').url());
  const dumped = keepMemoryOutOfCoreDumps();
  if (dumped !== undefined) log.warn('runtime.core-dumps', { warning: dumped });
  const added = keepRootsOfNode(io.env);
  const versions = runtimeVersions();
  if (args.switches.has('strict-runtime')) requireFixedRuntime(versions);
  const warnOfRuntime = () => {
    if (added !== undefined) log.warn('runtime.roots', { warning: added });
    for (const warning of runtimeWarnings(versions)) log.warn('runtime.below-floor', { warning });
  };
  return { log, versions, warnOfRuntime };
}
