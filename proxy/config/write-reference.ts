import { writeFileSync } from 'node:fs';
import { configurationJsonSchema, configurationReference } from './reference.ts';

// `node proxy/config/write-reference.ts`: run it after a change to the option table. A test keeps the files equal to it.
const schema = `${JSON.stringify(configurationJsonSchema(), undefined, 2)}\n`;
writeFileSync(new URL('portcullis.schema.json', import.meta.url), schema);
writeFileSync(new URL('../../docs/configuration.md', import.meta.url), configurationReference());
