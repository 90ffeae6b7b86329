import { test } from 'tap';
import { requireFixedRuntime, runtimeVersions, runtimeWarnings } from '../../../proxy/telemetry/runtime.ts';

test('Node below the October 2026 fixes is named with the release that has them (CVE-2026-111497)', (t) => {
  const accepted = ['24.22.1', '24.23.0', '26.12.1', '26.13.0', '27.0.0', '28.1.0'];
  const refused = ['26.12.0', '26.10.0', '24.22.0', '24.9.9', '25.9.0', '22.30.0', '26.12.1-rc.1', '26', 'garbage', ''];
  for (const node of accepted) t.same(runtimeWarnings({ node }), [], node);
  for (const node of refused) t.equal(runtimeWarnings({ node }).length, 1, node);
  t.match(runtimeWarnings({ node: '26.10.0' })[0], 'Node 26.10.0');
  t.match(runtimeWarnings({ node: '26.10.0' })[0], '26.12.1');
  t.end();
});

test('--strict-runtime refuses with the reason', (t) => {
  t.throws(() => requireFixedRuntime({ node: '26.10.0' }), { code: 'runtime-below-floor', message: /Node 26\.10\.0/ });
  t.doesNotThrow(() => requireFixedRuntime({ node: '26.12.1' }));
  t.end();
});

test('the versions are those that run', (t) => {
  t.strictSame(runtimeVersions(), { node: process.versions.node, openssl: process.versions.openssl });
  t.end();
});
