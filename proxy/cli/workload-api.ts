import { resolve } from 'node:path';
import { systemClock } from '../clock.ts';
import { configInvalid } from '../config/config-invalid.ts';
import { loadWorkloadApi } from '../config/load-workload-api.ts';
import { thisMachine } from '../config/world.ts';
import { version } from '../version.ts';
import { startWorkloadApi } from '../workload-api/start.ts';
import { type Arguments, type Command, type Io, requiredValue } from './command.ts';
import { beginService, strictRuntimeOption } from './service.ts';

export const workloadApiCommands: readonly Command[] = [
  {
    path: ['workload-api'],
    summary: 'serve the SPIFFE Workload API, and SDS for Envoy, from the local CA until SIGTERM or SIGINT',
    options: [
      { name: 'config', short: 'c', value: 'FILE', required: true, help: 'its configuration file' },
      strictRuntimeOption,
    ],
    exitCodes: { 0: 'it was stopped' },
    run,
  },
];

async function run(args: Arguments, io: Io): Promise<number> {
  const { log, versions, warnOfRuntime } = beginService(args, io);
  const configFile = resolve(io.cwd, requiredValue(args, 'config'));
  const loaded = await loadWorkloadApi(configFile, thisMachine());
  if (!loaded.ok) throw configInvalid(loaded.problems, io.cwd);
  const { config } = loaded;
  const api = await startWorkloadApi({ config, configFile, version, clock: systemClock, log });
  warnOfRuntime();
  const stopped = new Promise<NodeJS.Signals>((decide) => io.onSignal(decide));
  const { trustDomain, sockets } = config;
  const { bundleEndpoint: bundle } = api;
  log.info('ready', {
    trust_domain: trustDomain,
    sockets: sockets.map(({ path }) => path),
    ...(bundle === undefined ? {} : { bundle_endpoint: bundle }),
    ...versions,
  });
  await api.close(await stopped);
  log.info('stopped', { code: 0 });
  return 0;
}
