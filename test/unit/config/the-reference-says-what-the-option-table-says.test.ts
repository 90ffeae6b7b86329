import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { parse } from 'yaml';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { options } from '../../../proxy/config/options.ts';
import { configurationJsonSchema, configurationReference } from '../../../proxy/config/reference.ts';
import { change, good, world, writeFolder } from './folder.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const remedy = 'run `npm run docs`';

test('the files in the repository are those that the option table makes', (t) => {
  t.equal(read('docs/configuration.md'), configurationReference(), remedy);
  t.strictSame(JSON.parse(read('proxy/config/portcullis.schema.json')), configurationJsonSchema(), remedy);
  t.end();
});

test('the example of the reference has twenty lines and is enough', async (t) => {
  const example = /```yaml\n([^]*?)```/.exec(configurationReference())?.[1] ?? '';
  t.ok(example.trimEnd().split('\n').length <= 20);
  const file = writeFolder(t.testdir(), example, { 'order.schema.json': '{ "type": "object" }' });
  t.match(await loadConfig(file, world), { ok: true, config: { routes: [{ quota: { burst: 100 } }, {}, {}] } });
});

test('the editor schema agrees with the parser on what it can say', (t) => {
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(configurationJsonSchema());
  t.ok(validate(parse(good)), JSON.stringify(validate.errors));
  t.ok(validate(parse(read('proxy/config/example.yaml'))), JSON.stringify(validate.errors));
  const bad = [
    change('max_connections', 'max_conections'),
    change('  trust_domain: shop.test\n', ''),
    change('64MiB', '64MB'),
    change('1m', '60'),
    change('[GET]', '[get]'),
    change('[GET]', '[]'),
    change('threads: 2', 'threads: many'),
    change('127.0.0.1:8443', '8443'),
    change('spiffe_id: spiffe://shop.test/orders', 'spiffe_id: shop.test/orders'),
  ];
  for (const text of bad) t.notOk(validate(parse(text)), text);
  t.end();
});

test('every key has a sentence, and every `unsafe_` switch is off by default', (t) => {
  const fields = (options.sections ?? []).flatMap(({ fields: of }) => Object.entries(of));
  t.ok(fields.length > 60);
  for (const [key, { doc, presence, shape }] of fields) {
    t.match(doc, /^[A-Z`].*\.$/s, key);
    if (!key.startsWith('unsafe_')) continue;
    t.strictSame(presence, { default: false }, key);
    t.equal(shape.allowed, 'true or false', key);
  }
  t.end();
});
