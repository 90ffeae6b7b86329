// A proxy to be measured: what `portcullis run` starts, on a configuration whose text is given. Started by `startMeasuredProxy`.
import { systemClock } from '../../proxy/clock.ts';
import { thisMachine } from '../../proxy/config/world.ts';
import { startProxy } from '../../proxy/control/start.ts';
import { createLog } from '../../proxy/telemetry/log.ts';
import { version } from '../../proxy/version.ts';

export type Start = {
  /** The file that the text takes the place of: the names in it are relative to its folder. */
  readonly configFile: string;
  readonly text: string;
  readonly cwd: string;
};

export type Started =
  | { readonly ok: true; readonly port: number; readonly threads: number }
  /** Without a remedy it is of no catalogue: a bug, and shown as one. */
  | {
      readonly ok: false;
      readonly message: string;
      readonly code: string | undefined;
      readonly remedy: string | undefined;
    };

process.once('message', (start: Start) => {
  void begin(start).then((started) => process.send?.(started));
});
process.once('disconnect', () => process.exit());
// Ctrl-C reaches the whole group of processes; the parent decides what becomes of a run.
process.on('SIGINT', () => undefined);

async function begin({ configFile, text, cwd }: Start): Promise<Started> {
  const world = thisMachine(process.env);
  const readFile: typeof world.readFile = async (path) =>
    path === configFile ? Buffer.from(text) : world.readFile(path);
  const log = createLog({ write: (line) => process.stderr.write(line), now: Date.now, format: 'text', level: 'error' });
  try {
    const proxy = await startProxy({
      configFile,
      cwd,
      version,
      world: { ...world, readFile },
      clock: systemClock,
      log,
    });
    return { ok: true, port: proxy.address.port, threads: proxy.snapshot().config.threads };
  } catch (cause) {
    const { message, code, remedy } = cause as { message: string; code?: string; remedy?: string };
    return { ok: false, message, code, remedy };
  }
}
