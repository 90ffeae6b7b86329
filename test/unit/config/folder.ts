import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkCommands } from '../../../proxy/cli/check.ts';
import { type Io, readArguments } from '../../../proxy/cli/command.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { formatProblem } from '../../../proxy/config/problem.ts';
import { thisMachine } from '../../../proxy/config/world.ts';
import type { World } from '../../../proxy/config/world.ts';

/** A user who may not listen below 1024, on two cores, whoever runs the tests. */
export const world: World = { ...thisMachine(), cores: 2, firstFreePort: 1024 };

/** Uses every section; one key in each line, so that a test can break one. */
export const good = `identity:
  trust_domain: shop.test
  spiffe_id: spiffe://shop.test/orders
  passphrase_file: ./pass
listen: 127.0.0.1:8443
workload:
  address: 127.0.0.1:8080
policy:
  rego: [./policy]
  data: ./data.json
routes:
  - name: orders.list
    methods: [GET]
    path: /orders
    query_schema: ./query.json
    quota:
      requests: 100
      per: 1m
      burst: 20
  - name: orders.write
    methods: [POST]
    path: /orders
    body:
      application/json: ./order.json
    response:
      application/json: ./order.json
limits:
  max_connections: 500
audit:
  segment: 64MiB
explain_to: [spiffe://shop.test/web]
threads: 2
`;

const files: Readonly<Record<string, string>> = {
  'policy/authz.rego': 'package portcullis.authz\n\ndecision := {"allow": input.allowed}\n',
  'data.json': '{ "roles": {} }\n',
  'order.json': '{ "type": "object", "properties": { "id": { "type": "string" } }, "additionalProperties": false }\n',
  'query.json': '{ "type": "object", "properties": { "page": { "type": "string" } }, "additionalProperties": false }\n',
  pass: 'correct horse\n',
};

/** Writes the configuration and all that it names; `more` replaces or adds files. Returns the configuration's path. */
export function writeFolder(folder: string, config: string, more: Readonly<Record<string, string>> = {}): string {
  for (const [name, content] of Object.entries({ ...files, ...more, 'portcullis.yaml': config })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  chmodSync(join(folder, 'pass'), 0o600);
  return join(folder, 'portcullis.yaml');
}

/** Replaces the one place where `from` stands. */
export function change(from: string, to: string, config = good): string {
  if (config.split(from).length !== 2) throw new Error(`\`${from}\` does not stand there exactly once`);
  return config.replace(from, () => to);
}

/** The problems as `portcullis check` prints them when it runs in the folder of the file. */
export async function problemsOf(file: string, machine: World = world): Promise<readonly string[]> {
  const loaded = await loadConfig(file, machine);
  return loaded.ok
    ? []
    : loaded.problems.map((problem) => formatProblem(problem, dirname(file)).replaceAll(dirname(file), '.'));
}

/** What `portcullis check` says of the file, run in its folder. */
export async function check(
  file: string,
  ...more: readonly string[]
): Promise<{ code: number; out: string; err: string }> {
  const [command] = checkCommands;
  if (command === undefined) throw new Error('no command');
  const said = { out: '', err: '' };
  const io: Io = {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    env: {},
    cwd: dirname(file),
    now: () => 0,
    color: false,
    onSignal: () => () => {},
  };
  const code = await command.run(readArguments(command, ['-c', 'portcullis.yaml', ...more]), io);
  return { code, ...said };
}
