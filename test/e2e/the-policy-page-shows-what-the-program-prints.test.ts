import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { newFolder } from '../harness/proxy.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/policy.md'), 'utf8');

const blocks = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, text = '']) => text);

/** Digests and steps are those of one version; the page need not change with them. */
const steady = (text: string) => text.replace(/sha256:[0-9a-f]{64}/g, 'sha256:...').replace(/\d{3,}x/g, 'many x');

const tests = `package shop_test

import data.shop

get(id) := {"attributes": {"request": {"http": {"method": "GET"}}, "source": {"principal": id}}}

test_a_reader_reads if {
	shop.allow with input as get("spiffe://shop.example/ns/shop/sa/web")
}

test_nobody_else_does if {
	not shop.allow with input as get("spiffe://shop.example/ns/shop/sa/reports")
}
`;

const runaway = `package shop

default allow := false

allow if {
	some i in numbers.range(1, 10000)
	some j in numbers.range(1, 10000)
	i * j == 99980001
}
`;

const scan = `package shop

default allow := false

allow if {
	some rule in data.rules
	startswith(input.attributes.request.http.path, rule.prefix)
}
`;

test('each command of the page prints what the page shows', (t) => {
  const folder = newFolder(t);
  const put = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  const [policy = ''] = blocks('rego');
  const [settings = ''] = blocks('yaml');
  put('policy/shop.rego', policy);
  put('policy/shop_test.rego', tests);
  put('scan/shop.rego', scan);
  put('data.json', /# (\{"readers".*\})/.exec(settings)?.[1] ?? '');
  cpSync(join(root, 'proxy/demo/order.schema.json'), join(folder, 'order.schema.json'));
  const example = readFileSync(join(root, 'proxy/config/example.yaml'), 'utf8');
  put('portcullis.yaml', example.replace(/^policy:\n(?: .*\n)+/m, settings));
  let commands = 0;
  for (const block of blocks('console')) {
    if (block.includes('used up its budget')) put('policy/shop.rego', runaway);
    for (const [, words = '', shown] of block.matchAll(/^\$ portcullis (.*)\n((?:(?!\$ ).*\n)*)/gm)) {
      const all = [join(root, 'proxy/main.ts'), ...words.split(' ')];
      const { stdout, stderr } = spawnSync(process.execPath, all, { cwd: folder, encoding: 'utf8' });
      t.equal(stderr, '', words);
      t.equal(steady(stdout), steady(shown ?? ''), words);
      commands += 1;
    }
    put('policy/shop.rego', policy);
  }
  t.equal(commands, 6);
  t.end();
});
