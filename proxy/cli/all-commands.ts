import { auditCommands } from './audit.ts';
import { benchCommands } from './bench.ts';
import { caCommands } from './ca.ts';
import { checkCommands } from './check.ts';
import type { Command } from './command.ts';
import { demoCommands } from './demo.ts';
import { explainCommands } from './explain.ts';
import { policyCommands } from './policy.ts';
import { runCommands } from './run.ts';

/** In the order of `--help` and of docs/cli.md. */
export const allCommands: readonly Command[] = [
  ...runCommands,
  ...checkCommands,
  ...explainCommands,
  ...caCommands,
  ...policyCommands,
  ...auditCommands,
  ...benchCommands,
  ...demoCommands,
];
