import { test } from 'tap';
import { change, check, good, writeFolder } from './folder.ts';

test('a good configuration is explained: its routes, and what is unsafe', async (t) => {
  const file = writeFolder(t.testdir(), `${good}unsafe_remote_admin: true\n`);
  const { code, out, err } = await check(file);
  t.equal(code, 0);
  t.equal(err, '');
  t.match(out, 'no problem');
  t.match(out, /identity +spiffe:\/\/shop\.test\/orders, P-256, certificates for 1h/);
  t.match(out, /unsafe +unsafe_remote_admin/);
  t.match(out, /orders\.list +GET +\/orders +100 per 1m, burst 20 +30s +query +refused/);
  t.match(out, /orders\.write +POST +\/orders +- +30s +body response +application\/json, up to 1MiB/);
});

test('with --json a good configuration is printed whole', async (t) => {
  const { code, out } = await check(writeFolder(t.testdir(), good), '--json');
  t.equal(code, 0);
  const routes = [{ name: 'orders.list' }, { body: { schemas: { 'application/json': /order\.json$/ } } }];
  t.match(JSON.parse(out), { ok: true, config: { unsafe: [], routes } });
});

test('problems of the file and of the policy stand in one list', async (t) => {
  const rego = 'package portcullis.authz\n\ndecision := {"allow": x}\n';
  const file = writeFolder(t.testdir(), change('threads: 2', 'thread: 2'), { 'policy/authz.rego': rego });
  const { code, out } = await check(file, '--json');
  t.equal(code, 1);
  t.match(JSON.parse(out), {
    ok: false,
    file,
    problems: [
      { file, line: 32, column: 1, path: 'thread', message: 'unknown key', suggestion: 'threads' },
      { file: /authz\.rego$/, line: 3, message: /unsafe/ },
    ],
  });
});

test('problems are printed one to a line, and counted', async (t) => {
  const text = change('127.0.0.1:8443', '8443').replace('./policy', './nowhere');
  const { code, out } = await check(writeFolder(t.testdir(), text));
  t.equal(code, 1);
  t.match(out, /^portcullis\.yaml:5:9: listen: .*\nportcullis\.yaml:9:10: policy\.rego\[0\]: .*\n2 problems\n$/);
});

test('an entrypoint that no rule has is reported where it is asked for', async (t) => {
  const file = writeFolder(t.testdir(), change('  rego:', '  entrypoint: portcullis/authz/nope\n  rego:'));
  const { code, out } = await check(file);
  t.equal(code, 1);
  t.match(out, /^portcullis\.yaml:9:15: policy\.entrypoint: .*portcullis\/authz\/nope/);
});

test('a built-in that the request path lacks is reported', async (t) => {
  const rego =
    'package portcullis.authz\n\ndecision := {"allow": http.send({"method": "get", "url": "http://x"}).status_code == 200}\n';
  const { code, out } = await check(writeFolder(t.testdir(), good, { 'policy/authz.rego': rego }));
  t.equal(code, 1);
  t.match(out, /authz\.rego:3.*http\.send/);
});

test('a problem that OPA draws over several lines is one line', async (t) => {
  const rego = 'package portcullis.authz\n\ndecision if {\n\tcount(1) == 1\n}\n';
  const out = async (text: string) => (await check(writeFolder(t.testdir(), good, { 'policy/authz.rego': text }))).out;
  t.match(await out(rego), /^policy\/authz\.rego:4:2: count: invalid argument\(s\); have: .*; want: .*\n1 problem\n$/);
  t.equal(
    await out('package p\n\na if {\n\tinput.x ==\n}\n'),
    'policy/authz.rego:5:1: unexpected } token\n1 problem\n',
  );
});

test('a policy that no engine would end is a problem', async (t) => {
  const rego = `package portcullis.authz

# 10^12 looks, and nothing that would fill the memory first.
decision if {
	xs := numbers.range(1, 10000)
	some i in xs
	some j in xs
	some k in xs
	k == input.attributes.request.http.method
}
`;
  const text = change('  rego:', '  engine: wasm\n  rego:');
  const { code, out } = await check(writeFolder(t.testdir(), text, { 'policy/authz.rego': rego }));
  t.equal(code, 1);
  t.match(
    out,
    /^portcullis\.yaml:10:9: policy\.rego: the policy did not decide a sample request .*`policy\.engine: plan`/,
  );
});

test('a missing file is one problem', async (t) => {
  const file = `${t.testdir()}/portcullis.yaml`;
  t.strictSame(await check(file), {
    code: 1,
    out: 'portcullis.yaml:1:1: cannot be read: no such file or folder\n1 problem\n',
    err: '',
  });
});
