import { planEngine } from '../policy/engines/plan/plan.ts';
import type { PolicyInput } from '../policy/input.ts';
import { compileRunaway, runaways } from '../test/unit/plan/runaways.ts';

// node bench/runaway.ts [NAME...]: processor time until a policy that does not end is undecided, at the default budget. Cold is the
// first decision of its engine; name one policy to have it be the first of the process, too.

const rounds = 20;

function milliseconds(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

const chosen = process.argv.slice(2);
for (const [name, rules] of Object.entries(runaways)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const engine = planEngine(await compileRunaway(rules));
  const undecided = () => {
    try {
      engine.decide({} as PolicyInput);
    } catch {
      return;
    }
    throw new Error(`${name} was decided`);
  };
  const cold = milliseconds(undecided);
  const warm = Array.from({ length: rounds }, () => milliseconds(undecided)).sort((a, b) => a - b);
  const figures = [cold, warm[rounds / 2] as number, warm.at(-1) as number].map((ms) => ms.toFixed(1).padStart(6));
  console.log(`${name.padEnd(42)} cold ${figures[0]} ms   warm ${figures[1]} ms   slowest warm ${figures[2]} ms`);
}
