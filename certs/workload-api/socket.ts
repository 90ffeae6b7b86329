import { chmod, chown, lstat, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { CertsError } from '../errors.ts';
import { isServed, listenOwnerOnly } from '../owner-only-socket.ts';
import { openSocketFolder } from './socket-folder.ts';

export type Listening = { readonly maxConnections: number; readonly accept: (connection: Socket) => void };

/**
 * Listens on a socket in a folder that is closed to all but one workload. A file that a killed process left behind is replaced; a
 * socket on which somebody answers is not. Throws CertsError.
 */
export async function listenInFolder(path: string, { maxConnections, accept }: Listening): Promise<Server> {
  const { group } = await openSocketFolder(dirname(path));
  await removeStale(path);
  // Before it listens: one that was accepted by nobody would wait for ever.
  const server = createServer(accept);
  server.maxConnections = maxConnections;
  try {
    await listening(server, path);
    if (group !== undefined) await admitGroup(path, group);
    return server;
  } catch (cause) {
    server.close();
    throw explained(path, cause);
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      // An accept that fails (ENOBUFS) is the loss of who came; unheard it would end the process.
      server.on('error', () => undefined);
      resolve();
    });
    listenOwnerOnly(server, path);
  });
}

/** Connecting needs write permission. Only a member of the group, or root, can give a file to it. */
async function admitGroup(path: string, group: number): Promise<void> {
  const { gid, uid } = await lstat(path);
  if (gid !== group) await chown(path, uid, group);
  await chmod(path, 0o660);
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((cause: NodeJS.ErrnoException) => cause);
  if (found instanceof Error) {
    if (found.code === 'ENOENT') return;
    throw explained(path, found);
  }
  if (!found.isSocket()) throw new CertsError('socket-unusable', `${path} exists and is not a socket`);
  if (await isServed(path)) throw new CertsError('socket-in-use', `another process serves ${path}`);
  await unlink(path).catch((cause: unknown) => {
    throw explained(path, cause);
  });
}

function explained(path: string, cause: unknown): CertsError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  if (code === 'EADDRINUSE') return new CertsError('socket-in-use', `another process serves ${path}`, { cause });
  const why = code === 'EPERM' ? "this user is not in the folder's group, so it cannot let the group in" : code;
  return new CertsError('socket-unusable', `${path}: ${why}`, { cause });
}
