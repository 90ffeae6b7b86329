import type { Io } from '../proxy/cli/command.ts';

/** Resolves to the exit code where a signal comes first; what has been started ends with this process. */
export async function unlessInterrupted<T>(work: Promise<T>, io: Io): Promise<T | number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const stop = io.onSignal((signal) => resolve(signal === 'SIGINT' ? 130 : 143));
  return Promise.race([work, promise]).finally(stop);
}
