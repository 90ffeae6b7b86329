import { Ajv, type Options } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvStandalone from 'ajv/dist/standalone/index.js';
import type { Dialect } from './dialect.ts';

const options: Options = {
  allErrors: true,
  strict: false,
  validateFormats: false,
  logger: false,
  code: { source: true, esm: true },
};

/**
 * What tells whether a schema is one, as a module: ajv's own code for the meta-schema of the dialect, written down by
 * `npm run docs`. To make it at every start took a quarter of all processor time until a proxy with one schema was ready.
 */
export function metaSchemaModule(dialect: Dialect): string {
  const ajv = dialect === '2020-12' ? new Ajv2020(options) : new Ajv(options);
  const name = ajv.defaultMeta();
  const validate = typeof name === 'string' ? ajv.getSchema(name) : undefined;
  if (validate === undefined) throw new Error(`no meta-schema of ${dialect}`);
  const code = ajvStandalone
    .default(ajv, validate)
    .replace('"use strict";', '')
    .replace(/export default \w+;/, '')
    .replace(/require\("(ajv\/dist\/runtime\/equal)"\)\.default/g, 'equal.default');
  return [
    '// @ts-nocheck -- made by `npm run docs`; policy/schema/meta-schema-code.ts says from what.',
    "import equal from 'ajv/dist/runtime/equal.js';",
    `${code}\n`,
  ].join('\n');
}
