import { type Evidence, readEvidence } from './audit-trail.ts';
import { type Credentials, send, type Target } from './client.ts';
import { type DemoClient, type Expected, type Scenario, scenarios } from './scenarios.ts';

export type Performed = {
  readonly scenario: Scenario;
  readonly status: number | undefined;
  /** The audit record of the (last) request; undefined when there is none, which is a failure of its own. */
  readonly evidence: Evidence | undefined;
  readonly asExpected: boolean;
};

/** Sends every scenario's requests one after the other, then reads what the audit says about each. */
export async function perform(
  target: Target,
  credentials: Readonly<Record<DemoClient, Credentials>>,
  auditFolder: string,
  since: string,
): Promise<readonly Performed[]> {
  const statuses: (number | undefined)[] = [];
  for (const scenario of scenarios) {
    let status: number | undefined;
    for (let sent = 0; sent < scenario.times; sent++) {
      ({ status } = await send(target, credentials[scenario.client], scenario));
    }
    statuses.push(status);
  }
  const requests = scenarios.reduce((sum, { times }) => sum + times, 0);
  const evidence = await readEvidence(auditFolder, since, requests);
  return matchUp(statuses, evidence);
}

/** One record for each request, in the same order: were there one too few or too many, what follows would not match. */
function matchUp(statuses: readonly (number | undefined)[], evidence: readonly Evidence[]): Performed[] {
  let last = -1;
  return scenarios.map((scenario, index) => {
    last += scenario.times;
    const status = statuses[index];
    const record = evidence[last];
    return { scenario, status, evidence: record, asExpected: fits(scenario.expected, status, record) };
  });
}

function fits(expected: Expected, status: number | undefined, evidence: Evidence | undefined): boolean {
  return (
    evidence !== undefined &&
    status === expected.status &&
    evidence.reason === expected.code &&
    (expected.pointer === undefined || evidence.pointer === expected.pointer)
  );
}
