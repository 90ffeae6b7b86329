import { connect, type Server } from 'node:net';

/**
 * Listens on a unix socket to which nobody but its owner can connect. `listen` creates the file before it returns; a chmod
 * afterwards would leave a moment in which others can. Tells of success and failure as `listen` does, by events.
 */
export function listenOwnerOnly(server: Server, path: string): void {
  const before = process.umask(0o177);
  try {
    server.listen({ path });
  } finally {
    process.umask(before);
  }
}

/** Whether a process serves the socket, or may do so: a file that nobody answers on was left behind by one that was killed. */
export function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    // Anything but a plain "nobody there", such as EACCES, or EAGAIN of a full queue, may be somebody's.
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
