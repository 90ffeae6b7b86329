import { type Capabilities, capabilitiesText, readsTime } from '../../policy/builtins/capabilities.ts';
import { refusalOf, refusedNames } from '../../policy/builtins/refused.ts';

/** docs/built-ins.md: every built-in of OPA, offered or refused. */
export function builtinsReference(): string {
  const { builtins } = JSON.parse(capabilitiesText()) as Capabilities;
  const names = builtins.map(({ name }) => name);
  return `# Built-ins

Generated from the code by \`npm run docs\`; do not edit. What a built-in does is in [OPA's reference](https://www.openpolicyagent.org/docs/policy-reference/builtins);
here it does the same, with every engine. A policy is compiled against [policy/capabilities.json](../policy/capabilities.json), which
\`opa build --capabilities\` takes too: a call of anything else is a compile error with its file, line and column.

A built-in that fails makes its call undefined, as in OPA. With \`strict_builtin_errors\` it ends the decision instead, which is then undecided.

## Offered

${grouped(names)}

## Those that know a time

It is the time of the request, taken once (\`input.portcullis.time\`): the same input is decided in the same way, and a decision can be
repeated from its audit record.

${names
  .filter(readsTime)
  .map((name) => `- \`${name}\``)
  .join('\n')}

## Refused

They would make a decision depend on something other than its input and data, wait for somebody, or have no meaning in a decision.

${refusedNames.map((name) => `- ${refusalOf(name)?.replace(name, `\`${name}\``) ?? name}`).join('\n')}
`;
}

/** By namespace; those without one, the oldest, come first. */
function grouped(names: readonly string[]): string {
  const groups = Map.groupBy(names, (name) => (name.includes('.') ? name.slice(0, name.indexOf('.')) : ''));
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, members]) => `- ${group === '' ? 'without a namespace' : `\`${group}\``}: ${list(members)}`)
    .join('\n');
}

const list = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
