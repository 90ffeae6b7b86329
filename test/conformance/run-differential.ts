import { compareEngines } from './differential.ts';

// npm run differential [-- INPUTS [SEED]]: both engines over generated inputs; exit code 1 when any answer differs.
const [inputs = 100_000, seed = 1] = process.argv.slice(2).map(Number);
const began = performance.now();
const { compared, allowed, differences } = await compareEngines(inputs, seed);
const seconds = ((performance.now() - began) / 1000).toFixed(0);
for (const { policy, input, plan, wasm } of differences.slice(0, 10)) {
  console.log(`${policy}\n  input ${input}\n  plan  ${plan}\n  wasm  ${wasm}`);
}
console.log(`${compared} inputs, ${allowed} allowed, ${differences.length} differences, ${seconds} s, seed ${seed}`);
process.exitCode = differences.length === 0 ? 0 : 1;
