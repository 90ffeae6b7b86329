import { certsErrors } from '../../certs/errors.ts';
import { handshakeRefusals } from '../../certs/handshake-refusal.ts';
import { policyErrors } from '../../policy/errors.ts';
import { jsonProblems } from '../../policy/json/problem.ts';
import { denialCodes, denialRow } from '../denial.ts';
import { PROXY_ERRORS } from '../errors.ts';

/** What is no matter of certificates. */
const ofTheProxy = {
  'too-many-connections': {
    summary:
      'There are as many connections as `limits.max_connections`, or as `limits.max_connections_per_identity` for this peer.',
    remedy: 'Look who keeps so many open; raise the limit where they are meant.',
  },
} as const;

type Catalogue = Readonly<Record<string, { readonly summary: string; readonly remedy: string }>>;

/** docs/errors.md: every code a client, an operator or a script can meet. */
export function errorsReference(): string {
  return `# Codes

Generated from the catalogues in the code by \`npm run docs\`; do not edit. A code is stable: one is added or retired, never renamed.

## What a client is answered

As \`application/problem+json\` with \`code\`, \`title\`, \`status\` and the request \`id\`, which the audit record carries too. Kinds:
\`denied\` (policy or a limit said no), \`undecided\` (it could not be decided: fail closed), \`invalid\` (the request itself is bad),
\`failed\` (the workload's trouble or our own).

${denialTable()}

## Why a handshake is refused

The reason is in the \`tls.reject\` record, whose \`detail\` says which certificate and which rule, and in \`portcullis_handshake_refusals_total\`; the client sees
a closed connection. Where a chain breaks several rules, the first of these is told: what cannot be read, what no root vouches for, the leaf, the issuers, time, revocation, the denylist.

${table(
  ['reason', 'what was wrong', 'what to do'],
  Object.entries({ ...handshakeRefusals, ...ofTheProxy }).map(([reason, { summary, remedy }]) => [
    reason,
    summary,
    remedy,
  ]),
)}

## What is wrong with a JSON document

${table(['code', 'meaning'], Object.entries(jsonProblems))}

## What an operator is told

Printed as \`error[code]: what happened\` with what to do about it.

### Configuration and process

${catalogueTable(PROXY_ERRORS)}

### Policy and schemas

${catalogueTable(policyErrors)}

### Identity and the local CA

${catalogueTable(certsErrors)}
`;
}

function denialTable(): string {
  const rows = denialCodes.map((code) => {
    const { status, kind, close, meaning } = denialRow(code);
    return [code, String(status), kind, close ? 'closes' : 'goes on', meaning];
  });
  return table(['code', 'status', 'kind', 'connection', 'meaning'], rows);
}

function catalogueTable(catalogue: Catalogue): string {
  const rows = Object.entries(catalogue).map(([code, { summary, remedy }]) => [code, summary, remedy]);
  return table(['code', 'what happened', 'what to do'], rows);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const body = rows.map(([code = '', ...rest]) => line([`\`${code}\``, ...rest]));
  return [line(titles), line(titles.map(() => '---')), ...body].join('\n');
}
