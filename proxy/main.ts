import { systemErrorText } from '../certs/system-error.ts';
import { commandsFor } from './cli/all-commands.ts';
import type { Io } from './cli/command.ts';
import { report, runCli } from './cli/commands.ts';
import { ProxyError } from './errors.ts';
import { version } from './version.ts';

/** The composition root of the process: the only file that touches arguments, environment, signals and exit. */
const io: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  env: process.env,
  cwd: process.cwd(),
  now: () => Date.now(),
  color: process.stdout.isTTY && !process.env['NO_COLOR'],
  errorColor: process.stderr.isTTY && !process.env['NO_COLOR'],
  onSignal: (listener) => {
    process.on('SIGINT', listener).on('SIGTERM', listener);
    return () => process.off('SIGINT', listener).off('SIGTERM', listener);
  },
  onHangup: (listener) => {
    process.on('SIGHUP', () => (process.stderr.isTTY ? process.kill(process.pid, 'SIGTERM') : listener()));
  },
};

/** A pipe takes long output later than it is written: to leave before would cut it. */
const written = (stream: NodeJS.WriteStream): Promise<void> => new Promise((done) => stream.write('', () => done()));

let lost: ProxyError | undefined;
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  // `| head` leaves early. What it does not want to read is lost, and nothing else.
  if (cause.errno === undefined || cause.code === 'EPIPE') return;
  lost ??= new ProxyError('output-lost', `standard output: ${systemErrorText(cause)}`);
});
process.stderr.on('error', () => undefined);

// Without a listener Node opens its inspector on loopback, where whoever shares the network namespace reads our keys.
process.on('SIGUSR1', () => undefined);

const words = process.argv.slice(2);
const code = await runCli(await commandsFor(words), words, io, version);
await Promise.all([process.stdout, process.stderr].map(written));
// Evidence on a full disk would look whole to whoever asks the exit code alone.
process.exit(lost === undefined ? code : report(lost, undefined, io));
