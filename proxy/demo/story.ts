import { type Paint, table } from '../cli/render.ts';
import type { DemoFolder } from './folder.ts';
import { clientFiles } from './identities.ts';
import type { Performed } from './perform.ts';
import type { DemoClient, Expected } from './scenarios.ts';

const who: Readonly<Record<DemoClient, string>> = {
  web: 'web',
  reports: 'reports',
  stranger: 'stranger',
  foreign: 'web, of another CA',
  nobody: '-',
};

const columns = [
  { title: 'request' },
  { title: 'identity' },
  { title: 'expected' },
  { title: 'got' },
  { title: 'why', shrinkTo: 30 },
];

export function outcomeTable(rows: readonly Performed[], width: number, paint: Paint): string {
  return table(
    rows.map(({ scenario, status, evidence, asExpected }) => [
      scenario.title,
      who[scenario.client],
      outcome(scenario.expected.status),
      paint(asExpected ? 'green' : 'red', `${outcome(status)} ${asExpected ? 'ok' : 'NOT AS EXPECTED'}`),
      evidence === undefined ? 'no audit record' : why(evidence, scenario.expected),
    ]),
    columns,
    width,
  );
}

function outcome(status: number | undefined): string {
  return status === undefined ? 'refused' : String(status);
}

/** In the words of the audit record, so that the table shows what an auditor would find. */
function why(evidence: NonNullable<Performed['evidence']>, expected: Expected): string {
  if (evidence.reason === undefined) return `allowed${evidence.rule === undefined ? '' : ` by ${evidence.rule}`}`;
  const where = evidence.pointer === undefined ? '' : ` at ${evidence.pointer}`;
  const rule = evidence.rule === undefined || evidence.pointer !== undefined ? '' : ` by ${evidence.rule}`;
  const detail = evidence.detail === undefined ? '' : `: ${evidence.detail}`;
  const unexpected = evidence.reason === expected.code ? '' : ` (expected ${expected.code ?? 'to be allowed'})`;
  return `${evidence.reason}${where}${rule}${detail}${unexpected}`;
}

/** Three calls to paste: allowed, refused by policy, refused at the door. */
export function curlLines(folder: DemoFolder, port: number): readonly string[] {
  const { root } = clientFiles(folder, 'web');
  const url = `https://localhost:${port}/orders/1001`;
  const as = (client: DemoClient) => {
    const { certificate, key } = clientFiles(folder, client);
    return `--cert ${certificate} --key ${key}`;
  };
  return [
    `curl --cacert ${root} ${as('web')} ${url}`,
    `curl --cacert ${root} ${as('reports')} -X DELETE ${url}`,
    `curl --cacert ${root} ${url}`,
  ];
}
