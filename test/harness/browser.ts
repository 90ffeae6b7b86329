import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** Debian's names first; the shell is Chromium without a window. */
const names = ['chromium-headless-shell', 'chromium', 'google-chrome', 'chrome'];

/** The command of a browser that runs on this machine, or undefined. */
export function findBrowser(): string | undefined {
  return names.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

type Message = { readonly id?: number; readonly method?: string; readonly sessionId?: string } & Readonly<
  Record<'params' | 'result' | 'error', Record<string, unknown> | undefined>
>;

export type Happening = { readonly method: string; readonly params: Readonly<Record<string, unknown>> };

export type Page = {
  /** Everything that the browser told since the page was made: console, exceptions, requests, reports of its security policy. */
  readonly happenings: readonly Happening[];
  /** Any command of the DevTools protocol. */
  readonly send: (method: string, params?: object) => Promise<Record<string, unknown>>;
  /** Resolves with the next event of that name, also one that comes before this is awaited. */
  readonly next: (method: string) => Promise<Happening>;
  /** The value of an expression, which may be a promise; throws what it throws. */
  readonly evaluate: (expression: string) => Promise<unknown>;
};

export type Browser = { readonly page: () => Promise<Page>; readonly close: () => Promise<void> };

/** A real browser, driven over the DevTools protocol on two pipes: no port, no dependency. */
export async function startBrowser(command: string): Promise<Browser> {
  const profile = mkdtempSync(path.join(tmpdir(), 'portcullis-browser-'));
  // No sandbox: its tests run as root in a container, and the page is our own.
  const words = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
  const child = spawn(command, [...words, '--remote-debugging-pipe', `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const connection = connect(child.stdio[3] as Writable, child.stdio[4] as Readable);
  return {
    page: async () => openPage(connection),
    close: async () => {
      await Promise.race([connection.send('Browser.close'), ended]);
      await ended;
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

type Connection = {
  readonly send: (method: string, params?: object, sessionId?: string) => Promise<Record<string, unknown>>;
  readonly onEvent: (sessionId: string, listener: (happening: Happening) => void) => void;
};

function connect(input: Writable, output: Readable): Connection {
  const waiting = new Map<number, (message: Message) => void>();
  const listeners = new Map<string, (happening: Happening) => void>();
  let lastId = 0;
  let pending = '';
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (pending + chunk).split('\0');
    pending = messages.pop() ?? '';
    for (const text of messages) {
      const message = JSON.parse(text) as Message;
      if (message.id !== undefined) waiting.get(message.id)?.(message);
      else listeners.get(message.sessionId ?? '')?.({ method: message.method ?? '', params: message.params ?? {} });
    }
  });
  return {
    send: (method, params, sessionId) =>
      new Promise((resolve, reject) => {
        const id = ++lastId;
        waiting.set(id, ({ result, error }) => {
          waiting.delete(id);
          if (error === undefined) resolve(result ?? {});
          else reject(new Error(`${method}: ${JSON.stringify(error)}`));
        });
        input.write(`${JSON.stringify({ id, method, params: params ?? {}, sessionId })}\0`);
      }),
    onEvent: (sessionId, listener) => listeners.set(sessionId, listener),
  };
}

async function openPage(connection: Connection): Promise<Page> {
  const { targetId } = await connection.send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await connection.send('Target.attachToTarget', { targetId, flatten: true });
  const session = String(sessionId);
  const happenings: Happening[] = [];
  const expected = new Set<() => void>();
  connection.onEvent(session, (happening) => {
    happenings.push(happening);
    for (const look of expected) look();
  });
  const send = (method: string, params: object = {}) => connection.send(method, params, session);
  // Audits: what the content security policy refused. Log: what the console shows that no script wrote.
  for (const domain of ['Page', 'Runtime', 'Network', 'Log', 'Audits']) await send(`${domain}.enable`);
  let seen = happenings.length;
  return {
    happenings,
    send,
    next: (method) =>
      new Promise((resolve) => {
        const look = () => {
          const index = happenings.findIndex((each, at) => at >= seen && each.method === method);
          const found = happenings[index];
          if (found === undefined) return;
          seen = index + 1;
          expected.delete(look);
          resolve(found);
        };
        expected.add(look);
        look();
      }),
    evaluate: async (expression) => {
      const words = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await send('Runtime.evaluate', words);
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { value?: unknown }).value;
    },
  };
}
