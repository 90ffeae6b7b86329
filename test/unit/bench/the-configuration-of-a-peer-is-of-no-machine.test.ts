import { globSync, readFileSync } from 'node:fs';
import { test } from 'tap';

const folder = new URL('../../../bench/peers/', import.meta.url).pathname;
const files = globSync('**/*.{conf,cfg,yaml,rego,json}', { cwd: folder }).concat('caddy/Caddyfile').toSorted();

test('there are some for each kind of peer', async (t) => {
  for (const name of ['nginx', 'haproxy', 'envoy', 'ext-authz-opa', 'caddy', 'portcullis', 'workload']) {
    t.ok(
      files.some((file) => file.startsWith(`${name}/`)),
      name,
    );
  }
});

for (const file of files) {
  test(file, async (t) => {
    const text = readFileSync(`${folder}${file}`, 'utf8');
    t.notMatch(text, /\/(?:work|tmp|home|root|usr|etc|var|opt)\//, 'no path of a machine');
    t.notMatch(text, /127\.0\.0\.1:\d|port_value: \d/, 'no port of a machine');
    if (!file.endsWith('.json')) t.match(text, /^(?:#|package)/, 'it begins with what it is for');
  });
}
