import { resolve } from 'node:path';
import { systemClock } from '../clock.ts';
import { thisMachine } from '../config/world.ts';
import type { Address } from '../config/config.ts';
import { bootDataThread } from '../control/data-thread.ts';
import type { RunningProxy } from '../control/start.ts';
import { giveBackAfterLoading } from '../give-back.ts';
import { connectionsOfThread, descriptorLimit } from '../limit/descriptors.ts';
import type { Log } from '../telemetry/log.ts';
import { runtimeVersions } from '../telemetry/runtime.ts';
import { version } from '../version.ts';
import { type Arguments, type Command, type Io, requiredValue } from './command.ts';
import { beginService, strictRuntimeOption } from './service.ts';

export const runCommands: readonly Command[] = [
  {
    path: ['run'],
    summary: 'run the proxy until SIGTERM or SIGINT',
    options: [
      { name: 'config', short: 'c', value: 'FILE', required: true, help: 'the configuration file' },
      strictRuntimeOption,
      {
        name: 'standby-compiler',
        help: 'hold a policy compiler ready, in 160 MB, so that an edit of the policy is in force within a second',
      },
    ],
    exitCodes: {
      0: 'it was stopped and everything in flight finished',
      1: 'the drain limit cut something off',
      130: 'a second signal, SIGINT, ended it at once',
      143: 'a second signal, SIGTERM, ended it at once',
    },
    run,
  },
];

async function run(args: Arguments, io: Io): Promise<number> {
  const { log, warnOfRuntime } = beginService(args, io);
  const stop = new AbortController();
  const stopped = stopSignal(io);
  void stopped.then((signal) => stop.abort(signal));
  // Before anything else is loaded: the thread loads its own code meanwhile, where there is a second processor.
  const booted = bootDataThread();
  const { startProxy } = await import('../control/start.ts');
  const started = startProxy({
    configFile: resolve(io.cwd, requiredValue(args, 'config')),
    cwd: io.cwd,
    version,
    world: thisMachine(io.env),
    clock: systemClock,
    log,
    booted,
    standbyCompiler: args.switches.has('standby-compiler'),
    stop: stop.signal,
  });
  const proxy = await started.catch((cause: unknown) => {
    if (cause !== stop.signal.reason) throw cause;
    return undefined;
  });
  if (proxy === undefined) {
    log.info('stopped', { code: 0 });
    return 0;
  }
  announce(proxy, log);
  warnOfRuntime();
  giveBackAfterLoading();
  return drained(await stopped, proxy, log, io);
}

function announce(proxy: RunningProxy, log: Log): void {
  const { config, digest } = proxy.snapshot();
  for (const option of config.unsafe) log.warn('unsafe', { option });
  const connections = config.threads * connectionsOfThread(config, descriptorLimit());
  if (connections < config.limits.maxConnections) {
    log.warn('descriptors', {
      statement: `not all of limits.max_connections: ulimit -n leaves room for ${connections}`,
    });
  }
  log.info('ready', {
    listen: `${proxy.address.host}:${proxy.address.port}`,
    workload: addressText(config.workload.address),
    admin: proxy.admin === undefined ? 'off' : addressText(proxy.admin),
    spiffe_id: config.identity.spiffeId,
    snapshot: digest,
    threads: config.threads,
    ...runtimeVersions(),
  });
}

function addressText(address: Address): string {
  return address.kind === 'tcp' ? `${address.host}:${address.port}` : `unix:${address.path}`;
}

/** The listener stays: without any, a second signal would end the process by itself, without a word. */
function stopSignal(io: Io): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    io.onSignal(resolve);
  });
}

/** The second signal does not wait: whoever sends it means it. */
async function drained(signal: NodeJS.Signals, proxy: RunningProxy, log: Log, io: Io): Promise<number> {
  log.info('drain', { signal });
  const again = new Promise<number>((resolve) => {
    io.onSignal((second) => resolve(second === 'SIGINT' ? 130 : 143));
  });
  const code = await Promise.race([proxy.close(signal).then((finished) => (finished ? 0 : 1)), again]);
  log.info('stopped', { code });
  return code;
}
