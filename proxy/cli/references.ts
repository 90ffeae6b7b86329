import { metaSchemaModule } from '../../policy/schema/meta-schema-code.ts';
import { auditReference } from '../audit/reference.ts';
import {
  configurationJsonSchema,
  configurationReference,
  workloadApiJsonSchema,
  workloadApiReference,
} from '../config/reference.ts';
import { metricsReference } from '../telemetry/definitions.ts';
import { builtinsReference } from './builtins-reference.ts';
import { allCommands } from './all-commands.ts';
import { errorsReference } from './errors-reference.ts';
import { cliReference } from './help.ts';

/** Every file that is made from definitions in the code, by its path in the repository. */
export async function references(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/audit.md', auditReference()],
    ['docs/built-ins.md', builtinsReference()],
    ['docs/cli.md', cliReference(await allCommands())],
    ['docs/configuration.md', configurationReference()],
    ['docs/errors.md', errorsReference()],
    ['docs/metrics.md', metricsReference()],
    ['docs/workload-api-configuration.md', workloadApiReference()],
    ['policy/schema/2020-12.generated.ts', metaSchemaModule('2020-12')],
    ['policy/schema/draft-07.generated.ts', metaSchemaModule('draft-07')],
    ['proxy/config/portcullis.schema.json', jsonText(configurationJsonSchema())],
    ['proxy/config/workload-api.schema.json', jsonText(workloadApiJsonSchema())],
  ]);
}

function jsonText(schema: object): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
