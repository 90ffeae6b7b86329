import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { portcullis } from '../harness/command.ts';
import { benchPolicyWithoutOpa } from '../harness/own-policy.ts';
import { clientId, newFolder, trustDomain } from '../harness/proxy.ts';

const quick = `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "client"} if input.attributes.source.principal == "${clientId}"
`;

/** The same decisions, after a scan of 2,000 numbers that depends on the input, so that nobody can do it beforehand. */
const slow = quick
  .replace(
    'if input',
    `if {
	not found
	input`,
  )
  .concat(`}

found if {
	length := count(input.attributes.request.http.path)
	some number in numbers.range(1, 2000)
	number * length < 0
}
`);

const config = {
  identity: { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy` },
  listen: '127.0.0.1:8443',
  workload: '127.0.0.1:9',
  policy: { rego: './policy' },
  routes: [{ name: 'read', methods: ['GET'], path: '/orders/{id}' }],
};

/** Measures a policy as its owner would, and names the result file. */
function measured(t: Test, folder: string, rego: string, name: string): string {
  writeFileSync(join(folder, 'policy', 'authz.rego'), rego);
  const file = join(folder, `${name}.json`);
  const words = ['-c', join(folder, 'portcullis.yaml'), '--engine', 'plan', '--rounds', '5', '--json', file];
  const { status, stderr } = benchPolicyWithoutOpa(folder, ...words);
  t.equal(status, 0, stderr);
  return file;
}

test('bench compare of two real measurements', async (t) => {
  const folder = newFolder(t);
  mkdirSync(join(folder, 'policy'));
  writeFileSync(join(folder, 'portcullis.yaml'), JSON.stringify(config));
  const before = measured(t, folder, quick, 'before');
  const again = measured(t, folder, quick, 'again');
  const after = measured(t, folder, slow, 'after');

  // Generous, and without p99: this machine may do anything else at the same time. The slow policy is far beyond it.
  const gate = ['--figures', 'p50,CPU', '--threshold', '900%'];
  const worse = await portcullis('bench', 'compare', before, after, ...gate);
  t.equal(worse.code, 1, worse.stdout + worse.stderr);
  t.match(worse.stdout, /regression: portcullis, plan: p50 \d+\.\d\dx/);
  t.match(worse.stdout, /regression: portcullis, plan: CPU \d+\.\d\dx/);

  const same = await portcullis('bench', 'compare', before, again, ...gate);
  t.equal(same.code, 0, same.stdout + same.stderr);
  t.match(same.stdout, /no regression/);
});
