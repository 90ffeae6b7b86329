import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type * as Sdk from '@open-policy-agent/opa-wasm';
import type { PolicyBundle } from '../policy/bundle/bundle.ts';
import { buildPolicy } from '../policy/compiler/compile.ts';
import type { PolicyEngine } from '../policy/engine.ts';
import { planEngine } from '../policy/engines/plan/plan.ts';
import { wasmEngine } from '../policy/engines/wasm.ts';
import type { PolicyInput } from '../policy/input.ts';
import { newFolder } from '../test/harness/proxy.ts';
import { quantile } from './load.ts';
import { buildOpa, opaLibrary, opaServer } from './peers/opa.ts';
import { type Bench, runBench } from './run.ts';
import { inProcess, type Round, type Subject } from './subject.ts';
import { abacWorkload, type Lookup, type Workload } from './workload/abac/workload.ts';

// What a decision costs: both engines next to the stock SDK, OPA's server and OPA's Go library, in one run whose rounds
// are interleaved. All of them must give the same answers.
const sdk = createRequire(import.meta.url)('@open-policy-agent/opa-wasm') as typeof Sdk;
const rounds = 7;
/** How long one subject decides in one round, at least once over all inputs. */
const roundMillis = 300;

const asked = process.argv.slice(2).map(Number);
const sizes = asked.length > 0 ? asked : [10, 100, 1000, 10_000];
const opa = buildOpa();

for (const lookup of ['indexed', 'linear'] as const) {
  for (const size of sizes) await runBench((t) => compare(t, lookup, size));
}

async function compare(t: Bench, lookup: Lookup, size: number): Promise<void> {
  const workload = abacWorkload(lookup, size);
  const subjects = await open(t, workload);
  const figures = new Map<Subject, { micros: number[]; cpuMicros: number; perRound: number }>();
  let expected: readonly string[] | undefined;
  for (const subject of subjects) {
    const first = await subject.decide(workload.inputs, 1);
    expected ??= normal(first);
    if (!isDeepStrictEqual(normal(first), expected)) throw new Error(`${subject.name} decides otherwise`);
    figures.set(subject, { micros: [], cpuMicros: 0, perRound: await repetitions(subject, workload) });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [subject, figure] of figures) {
      const { micros, cpuMicros } = await subject.decide(workload.inputs, figure.perRound);
      figure.cpuMicros += cpuMicros;
      figure.micros.push(...micros);
    }
  }
  const stock = figures.get(subjects[0] as Subject)?.micros ?? [];
  console.log(`\n${size} rules, ${lookup}`);
  for (const [{ name }, { micros, cpuMicros }] of figures) {
    const ratio = (share: number) => (quantile(micros, share) / quantile(stock, share)).toFixed(2);
    console.log(
      [
        name.padEnd(20),
        `p50 ${us(quantile(micros, 0.5))} (${ratio(0.5)})`,
        `p99 ${us(quantile(micros, 0.99))} (${ratio(0.99)})`,
        `CPU ${us(cpuMicros / micros.length)}`,
      ].join('  '),
    );
  }
}

async function open(t: Bench, { rego, data, entrypoint }: Workload): Promise<readonly Subject[]> {
  const file = join(newFolder(t), 'data.json');
  writeFileSync(file, JSON.stringify(data));
  const bundle = await buildPolicy({ regoPaths: rego, dataFile: file, entrypoint });
  const here = [await stockSdk(bundle), ours('wasm, projected', wasmEngine(bundle)), ours('plan', planEngine(bundle))];
  if (opa === undefined) return here;
  return [
    ...here,
    opaLibrary(t, opa.library, { rego, data: file }),
    await opaServer(t, opa.server, { rego, data: file }),
  ];
}

async function stockSdk({ wasm, data, entrypoint }: PolicyBundle): Promise<Subject> {
  const policy = await sdk.loadPolicy(wasm);
  policy.setData(data);
  return inProcess('stock SDK', (input) => resultOf(policy.evaluate(input, entrypoint)));
}

function ours(name: string, engine: PolicyEngine): Subject {
  return inProcess(name, (input) => resultOf(engine.decide(input as PolicyInput)));
}

function resultOf(set: unknown): unknown {
  return (set as readonly { readonly result: unknown }[])[0]?.result;
}

/** Members of objects and items of arrays sorted: each of these has its own order for what comes from a set. */
function normal({ results }: Round): readonly string[] {
  return results.map(canonical);
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join(',')}]`;
  const members = Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`);
  return `{${members.sort().join(',')}}`;
}

/** Warms up, and finds how often all inputs fit into a round. */
async function repetitions(subject: Subject, { inputs }: Workload): Promise<number> {
  const began = performance.now();
  let done = 0;
  while (performance.now() - began < roundMillis) {
    await subject.decide(inputs, 1);
    done++;
  }
  return done;
}

function us(micros: number): string {
  return `${micros.toFixed(1).padStart(8)} us`;
}
