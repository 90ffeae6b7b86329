import { execFileSync } from 'node:child_process';
import { openEngine } from '../policy/engines/select.ts';
import { defaultSettings } from '../policy/engines/settings.ts';
import type { PolicyInput } from '../policy/input.ts';
import { compileRunaway, runaways } from '../test/unit/plan/runaways.ts';

// node bench/runaway.ts [NAME...]: milliseconds until a policy that does not end is undecided, at the default budget. Cold: the first
// input that takes this way, in a process that has decided others, each time in a new one. On a shared machine the least says most.

const rounds = 9;

const input = (honest: boolean) => ({ honest }) as unknown as PolicyInput;

async function measure(rules: string): Promise<void> {
  const engine = await openEngine(await compileRunaway(rules), defaultSettings, { samples: [input(true)] });
  // Node loads the clock when it is first read, which takes 2 ms.
  performance.now();
  const undecided = (): number => {
    const start = performance.now();
    try {
      engine.decide(input(false));
    } catch {
      return performance.now() - start;
    }
    throw new Error('the policy has decided');
  };
  console.log(JSON.stringify({ cold: undecided(), warm: spread(Array.from({ length: 2 * rounds }, undecided))[1] }));
}

/** The least, the middle one and the most. */
const spread = (of: readonly number[]): readonly number[] => {
  const sorted = of.toSorted((a, b) => a - b);
  return [0, sorted.length >> 1, sorted.length - 1].map((at) => sorted[at] as number);
};

function compare(name: string): void {
  const runs = Array.from({ length: rounds }, () => {
    const text = execFileSync(process.execPath, [import.meta.filename, '--one', name], { encoding: 'utf8' });
    return JSON.parse(text) as { readonly cold: number; readonly warm: number };
  });
  const text = (of: readonly number[]) =>
    spread(of)
      .map((ms) => ms.toFixed(1).padStart(6))
      .join(' ');
  console.log(
    `${name.padEnd(40)} cold ${text(runs.map(({ cold }) => cold))}   warm ${text(runs.map(({ warm }) => warm))}`,
  );
}

const [first, ...rest] = process.argv.slice(2);
if (first === '--one') await measure(runaways[rest[0] ?? ''] ?? '');
else for (const name of first === undefined ? Object.keys(runaways) : [first, ...rest]) compare(name);
