import { auditReference } from '../audit/reference.ts';
import { configurationJsonSchema, configurationReference } from '../config/reference.ts';
import { metricsReference } from '../telemetry/definitions.ts';
import { builtinsReference } from './builtins-reference.ts';
import { allCommands } from './all-commands.ts';
import { errorsReference } from './errors-reference.ts';
import { cliReference } from './help.ts';

/** Every document that is made from definitions in the code, by its path in the repository. */
export async function references(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/audit.md', auditReference()],
    ['docs/built-ins.md', builtinsReference()],
    ['docs/cli.md', cliReference(await allCommands())],
    ['docs/configuration.md', configurationReference()],
    ['docs/errors.md', errorsReference()],
    ['docs/metrics.md', metricsReference()],
    ['proxy/config/portcullis.schema.json', `${JSON.stringify(configurationJsonSchema(), undefined, 2)}\n`],
  ]);
}
