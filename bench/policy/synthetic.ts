import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildPolicy } from '../../policy/compiler/compile.ts';
import { defaultSettings } from '../../policy/engines/settings.ts';
import { abacWorkload, type Lookup } from '../workload/abac/workload.ts';
import type { Case, Cases } from './case.ts';

const lookups: readonly Lookup[] = ['indexed', 'linear'];

/** The same rules found by an index and by looking at each of them, in each size. */
export function syntheticCases(sizes: readonly number[], folder: string): Cases {
  return {
    scenario: 'a synthetic attribute-based policy, 64 requests of 2 KB',
    cases: lookups.flatMap((lookup) => sizes.map((size) => () => syntheticCase(lookup, size, folder))),
    notes: [],
  };
}

async function syntheticCase(lookup: Lookup, size: number, folder: string): Promise<Case> {
  const { rego, data, entrypoint, inputs } = abacWorkload(lookup, size);
  const dataFile = join(folder, `${lookup}-${size}.json`);
  writeFileSync(dataFile, JSON.stringify(data));
  return {
    name: `${size} ${lookup} rules`,
    bundle: await buildPolicy({ regoPaths: rego, dataFile, entrypoint }),
    settings: defaultSettings,
    inputs: inputs.map((input, index) => ({ name: `request ${index + 1}`, input })),
    forOpa: { entrypoint, source: { kind: 'files', rego, data: dataFile } },
    pathOf: (file) => basename(file),
  };
}
