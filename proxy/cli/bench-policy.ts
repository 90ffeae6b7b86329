import type { Command } from './command.ts';

export const benchPolicy: Command = {
  path: ['bench', 'policy'],
  summary: 'measure what a decision of the policy costs, next to the stock SDK and OPA',
  options: [
    { name: 'config', short: 'c', value: 'FILE', help: 'the configuration file; required unless --rules is given' },
    {
      name: 'input',
      value: 'FILE',
      help: 'decide these: one JSON document, a JSON array or JSON lines, each what the policy sees as `input` or a request with the names of the options of `explain`; default: one for each route',
    },
    { name: 'recorded', value: 'AUDIT', help: 'decide what this audit folder, or one file of it, has on record' },
    { name: 'engine', value: 'NAME', help: 'wasm, plan or both; default: both' },
    {
      name: 'rules',
      value: 'N,N...',
      help: 'decide by a synthetic policy of so many rules instead of your own, to see how it scales',
    },
    { name: 'with', value: 'opa=PATH', help: 'the opa to compare with; default: the one on PATH' },
    { name: 'rounds', value: 'N', help: 'how often each subject has its turn; default: 7' },
    { name: 'json', value: 'FILE', help: 'write the result there; - prints it instead of the table' },
    { name: 'html', value: 'FILE', help: 'write a page with charts there' },
  ],
  exitCodes: { 0: 'it was measured' },
  run: async () => 3,
};
