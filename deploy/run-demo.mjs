// What the demos of this folder have in common: a folder and processes that end with them, how they wait, and their table.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const portcullis = fileURLToPath(new URL('../proxy/cli/portcullis', import.meta.url));

const patienceMs = 60_000;

/** Runs `demo` with a folder of its own; what it has started ends with it. The exit code is 1 where `demo` is not true. */
export async function runDemo(demo) {
  // Short, because a socket has a short name.
  const folder = mkdtempSync(join(tmpdir(), 'demo-'));
  const children = [];
  const start = (program, words, env = {}) => {
    const child = spawn(program, words, { cwd: folder, env: { ...process.env, ...env } });
    children.push(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
    let ended;
    once(child, 'close').then(
      ([code, signal]) => (ended = `ended with ${code ?? signal}`),
      (error) => (ended = error.message),
    );
    return {
      /** Until `look` finds something, as long as the program runs. */
      until: (what, look) =>
        until(what, async () => {
          if (ended !== undefined) throw new Error(`${program} ${ended}\n${said}`);
          return look(said);
        }),
    };
  };
  const endAll = () => {
    for (const child of children.reverse()) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  process.once('exit', endAll);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  const good = await demo({ folder, start }).catch(({ message }) => console.error(message));
  process.exit(good === true ? 0 : 1);
}

/** Looks until there is something: programs of other people have no event for it. */
export async function until(what, look) {
  for (const end = Date.now() + patienceMs; ; await wait(50)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited for ${what} for a minute, in vain`);
  }
}

/** What a Portcullis says once it serves, and where. */
export async function untilReady(proxy) {
  const line = await proxy.until('a ready proxy', (said) =>
    said.split('\n').find((each) => each.includes('"event":"ready"') && each.endsWith('}')),
  );
  return JSON.parse(line);
}

/** Every record in an audit folder so far. */
export function audit(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.ndjson'));
  const lines = files.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1));
  return lines.map((line) => JSON.parse(line));
}

/** Prints each row as it comes: what was done, what came of it, and whether it was what had to come. */
export function table() {
  let wrong = 0;
  return {
    row: (what, answer, expected, note = '') => {
      const good = answer === expected;
      if (!good) wrong += 1;
      const end = good ? note : `NOT THE EXPECTED ${expected} ${note}`;
      console.log(`${what.padEnd(52)}${String(answer).padEnd(10)}${end}`.trimEnd());
    },
    end: () => {
      console.log(
        wrong === 0 ? '\nEvery answer was the expected one.' : `\n${wrong} answers were not the expected ones.`,
      );
      return wrong === 0;
    },
  };
}
