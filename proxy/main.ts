import { commandsFor } from './cli/all-commands.ts';
import type { Io } from './cli/command.ts';
import { runCli } from './cli/commands.ts';
import { version } from './version.ts';

/** The composition root of the process: the only file that touches arguments, environment, signals and exit. */
const io: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  env: process.env,
  cwd: process.cwd(),
  now: () => Date.now(),
  color: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
  errorColor: process.stderr.isTTY && process.env['NO_COLOR'] === undefined,
  onSignal: (listener) => {
    process.on('SIGINT', listener).on('SIGTERM', listener);
    return () => process.off('SIGINT', listener).off('SIGTERM', listener);
  },
};

/** A pipe takes long output later than it is written: to leave before would cut it. */
const written = (stream: NodeJS.WriteStream): Promise<void> => new Promise((done) => stream.write('', () => done()));

// `| head` leaves early. What it does not want to read is lost, and nothing else.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

// Without a listener Node opens its inspector on loopback, where whoever shares the network namespace reads our keys.
process.on('SIGUSR1', () => undefined);

const words = process.argv.slice(2);
const code = await runCli(await commandsFor(words), words, io, version);
await Promise.all([process.stdout, process.stderr].map(written));
process.exit(code);
