import { writeFileSync } from 'node:fs';
import { allCommands } from './all-commands.ts';
import { cliReference } from './help.ts';

// `node proxy/cli/write-reference.ts`: run it after a change to a command. A test keeps docs/cli.md equal to it.
writeFileSync(new URL('../../docs/cli.md', import.meta.url), cliReference(allCommands));
