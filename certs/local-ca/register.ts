import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { CertsError } from '../errors.ts';
import type { SpiffeId } from '../spiffe-id.ts';

/** What the CA has issued and revoked, and the lock of the state folder. */
export type Register = {
  /** Runs `work` while no other process or task does; what it wrote to the register is kept whole or not at all. */
  readonly exclusively: <T>(work: () => Promise<T>) => Promise<T>;
  readonly add: (entry: Omit<Issued, 'revokedAtMs'>) => void;
  /** False when the serial is not known. */
  readonly revoke: (serial: string, atMs: number) => boolean;
  /** Like `add` and `revoke` inside `exclusively` only: outside, another process may keep the file locked. */
  readonly list: () => readonly Issued[];
  /** Forgets what expired before: an expired certificate needs no place on a CRL (RFC 5280 section 3.3). */
  readonly forget: (beforeMs: number) => void;
  readonly close: () => void;
};

export type Issued = {
  readonly serial: string;
  readonly spiffeId: SpiffeId;
  readonly notAfterMs: number;
  readonly revokedAtMs: number | undefined;
};

const lockPollMs = 20;

/**
 * SQLite is the lock because the kernel gives up its lock when a process dies, however it dies: there is no stale lock
 * to detect, and no process number to mistake in a container. Its journal makes the register survive a power cut.
 */
export async function openRegister(file: string, lockTimeoutMs = 15_000): Promise<Register> {
  // SQLite would create the file with the umask of the process; its journal takes over the mode of the file.
  await createPrivate(file);
  const database = await damaged(file, () => new DatabaseSync(file, { timeout: 0 }));
  const queue = serially();
  const exclusively = <T>(work: () => Promise<T>) =>
    queue(async () => {
      await lock(database, file, lockTimeoutMs);
      try {
        const result = await work();
        commit(database, file);
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });
  const close = () => {
    if (database.isOpen) database.close();
  };
  try {
    await exclusively(() => damaged(file, () => createTable(database)));
    return { exclusively, ...statements(database), close };
  } catch (error) {
    close();
    throw error;
  }
}

async function createPrivate(file: string): Promise<void> {
  try {
    await (await open(file, 'a', 0o600)).close();
  } catch (cause) {
    throw new CertsError('state-folder-unusable', `cannot write ${file}`, { cause });
  }
}

function commit(database: DatabaseSync, file: string): void {
  try {
    database.exec('COMMIT');
  } catch (cause) {
    throw new CertsError('state-folder-unusable', `cannot write ${file}`, { cause });
  }
}

function createTable(database: DatabaseSync): void {
  database.exec(`CREATE TABLE IF NOT EXISTS issued (
    serial TEXT PRIMARY KEY, spiffe_id TEXT NOT NULL, not_after_ms INTEGER NOT NULL, revoked_at_ms INTEGER
  ) STRICT`);
}

function statements(database: DatabaseSync): Omit<Register, 'exclusively' | 'close'> {
  const insert = database.prepare('INSERT INTO issued (serial, spiffe_id, not_after_ms) VALUES (?, ?, ?)');
  const update = database.prepare('UPDATE issued SET revoked_at_ms = ifnull(revoked_at_ms, ?) WHERE serial = ?');
  const select = database.prepare('SELECT * FROM issued ORDER BY not_after_ms, serial');
  const remove = database.prepare('DELETE FROM issued WHERE not_after_ms < ?');
  return {
    add: ({ serial, spiffeId, notAfterMs }) => void insert.run(serial, spiffeId, notAfterMs),
    revoke: (serial, atMs) => update.run(atMs, serial).changes === 1,
    list: () => select.all().map(toIssued),
    forget: (beforeMs) => void remove.run(beforeMs),
  };
}

function toIssued(row: Record<string, unknown>): Issued {
  return {
    serial: String(row['serial']),
    // Only `add` writes the column, and it takes nothing but a parsed ID.
    spiffeId: String(row['spiffe_id']) as SpiffeId,
    notAfterMs: Number(row['not_after_ms']),
    revokedAtMs: row['revoked_at_ms'] === null ? undefined : Number(row['revoked_at_ms']),
  };
}

/** Waits without blocking the event loop, which SQLite's own busy timeout would. */
async function lock(database: DatabaseSync, file: string, lockTimeoutMs: number): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += lockPollMs) {
    try {
      database.exec('BEGIN EXCLUSIVE');
      return;
    } catch (cause) {
      if (!isBusy(cause)) throw new CertsError('state-incomplete', `${file} is damaged`, { cause });
      if (waitedMs >= lockTimeoutMs) {
        throw new CertsError('state-locked', `another process has kept ${file} locked for ${lockTimeoutMs} ms`);
      }
    }
    await delay(lockPollMs);
  }
}

const sqliteBusy = 5;

function isBusy(cause: unknown): boolean {
  return cause instanceof Error && 'errcode' in cause && (Number(cause.errcode) & 0xff) === sqliteBusy;
}

async function damaged<T>(file: string, use: () => T): Promise<T> {
  try {
    return use();
  } catch (cause) {
    throw new CertsError('state-incomplete', `${file} is damaged`, { cause });
  }
}

/** One task after the other within this process: a second BEGIN on one connection would fail. */
function serially(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const next = last.then(task, task);
    last = next.catch(() => undefined);
    return next;
  };
}
