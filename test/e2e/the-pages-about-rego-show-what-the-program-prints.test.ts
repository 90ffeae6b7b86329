import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { portcullisIn } from '../harness/command.ts';
import { newFolder } from '../harness/proxy.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const blocksOf = (page: string, language: string): readonly string[] =>
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

function place(folder: string) {
  const put = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  put('order.schema.json', read('proxy/demo/order.schema.json'));
  const configure = (policy: string) =>
    put('portcullis.yaml', read('proxy/config/example.yaml').replace(/^policy:\n(?: .*\n)+/m, `${policy}\n`));
  return { put, configure };
}

/** Runs the commands of a block, and returns how many they were. */
function hold(t: Test, folder: string, block: string): number {
  const commands = [...block.matchAll(/^\$ portcullis (.*)\n((?:(?!\$ ).*\n)*)/gm)];
  for (const [, words = '', shown = ''] of commands) {
    const { stdout, stderr } = portcullisIn(folder, ...words.split(' '));
    t.equal(stderr, '', words);
    t.equal(steady(stdout), steady(shown), words);
  }
  return commands.length;
}

test('each command of docs/policy.md prints what the page shows', (t) => {
  const folder = newFolder(t);
  const { put, configure } = place(folder);
  const page = read('docs/policy.md');
  const [policy = ''] = blocksOf(page, 'rego');
  const [settings = ''] = blocksOf(page, 'yaml');
  put('policy/shop_test.rego', tests);
  put('scan/shop.rego', scan);
  put('data.json', /# (\{"readers".*\})/.exec(settings)?.[1] ?? '');
  configure(settings);
  let commands = 0;
  for (const block of blocksOf(page, 'console')) {
    put('policy/shop.rego', block.includes('used up its budget') ? runaway : policy);
    commands += hold(t, folder, block);
  }
  t.equal(commands, 6);
  t.end();
});

test('each command about Rego in the README prints what it shows', (t) => {
  const folder = newFolder(t);
  const { put, configure } = place(folder);
  const readme = read('README.md');
  const [, section = ''] = readme.split('\n## Your Rego, unchanged\n');
  const [own = '', ours = ''] = blocksOf(section, 'console');
  put('envoy/authz.rego', blocksOf(section, 'rego')[0] ?? '');
  configure(/`(policy: \{ rego: .*\})`/.exec(section)?.[1] ?? '');
  t.equal(hold(t, folder, own), 3);
  put('policy/authz.rego', read('policy/rego/authz.rego'));
  put('data.json', read('policy/rego/example-data.json').replace('demo.test', 'shop.example'));
  configure('policy: { rego: ./policy, data: ./data.json }');
  t.equal(hold(t, folder, ours), 1);
  t.end();
});
