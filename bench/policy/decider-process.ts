import { fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PolicyError } from '../../policy/errors.ts';
import type { Stage } from '../result.ts';
import type { Bench } from '../run.ts';
import { type Subject, type Turn, Unable } from '../subject.ts';
import type { Asked, Opening, Told } from './decider.ts';

// The same file in TypeScript here and in JavaScript in an image.
const program = fileURLToPath(new URL(`./decider${extname(import.meta.url)}`, import.meta.url));

/** An engine in a process of its own. Throws PolicyError for a policy that it cannot run, Unable for anything else. */
export async function openDecider(
  t: Bench,
  { name, about }: Pick<Subject, 'name' | 'about'>,
  opening: Opening,
): Promise<Subject> {
  const child = fork(program, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  t.teardown(() => child.kill('SIGKILL'));
  let ended: string | undefined;
  child.once('exit', (code, by) => {
    ended = `its process ended with ${by ?? code}`;
  });
  const ask = async <Value>(asked: Asked): Promise<Value> => {
    if (ended !== undefined) throw new Unable(ended);
    const over = new AbortController();
    const { signal } = over;
    // What cannot be sent is told by its end.
    child.send(asked, () => undefined);
    const [told] = (await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(() => [{ ok: false, message: ended }]),
    ]).finally(() => over.abort())) as [Told];
    if (told.ok) return told.value as Value;
    if (told.code !== undefined) throw new PolicyError(told.code, told.message);
    throw new Unable(told.message, told.input);
  };
  await ask({ do: 'open', ...opening });
  return {
    name,
    about,
    tells: 'result',
    answers: () => ask<readonly string[]>({ do: 'answers' }),
    turn: (times) => ask<Turn>({ do: 'turn', times }),
    stages: () => ask<readonly Stage[]>({ do: 'stages' }),
  };
}
