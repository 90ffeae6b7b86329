import { test } from 'tap';
import { requireFixedRuntime, runtimeVersions, runtimeWarnings } from '../../../proxy/telemetry/runtime.ts';

const fixed = { node: '26.12.1', openssl: '3.5.8', undici: '8.12.4' };

test('Node below the October 2026 fixes is named with the release that has them (CVE-2026-111497)', (t) => {
  const accepted = ['24.22.1', '24.23.0', '26.12.1', '26.13.0', '27.0.0', '28.1.0'];
  const refused = ['26.12.0', '26.10.0', '24.22.0', '24.9.9', '25.9.0', '22.30.0', '26.12.1-rc.1', '26', 'garbage', ''];
  for (const node of accepted) t.same(runtimeWarnings({ ...fixed, node }), [], node);
  for (const node of refused) t.equal(runtimeWarnings({ ...fixed, node }).length, 1, node);
  t.match(runtimeWarnings({ ...fixed, node: '26.10.0' })[0], 'Node 26.10.0');
  t.match(runtimeWarnings({ ...fixed, node: '26.10.0' })[0], '26.12.1');
  t.end();
});

test('undici below 8.12.4 is named (CVE-2026-109383)', (t) => {
  for (const undici of ['8.12.3', '8.2.10', '7.30.2']) t.equal(runtimeWarnings({ ...fixed, undici }).length, 1, undici);
  for (const undici of ['8.12.4', '8.13.0', '9.0.0']) t.same(runtimeWarnings({ ...fixed, undici }), [], undici);
  t.end();
});

test('--strict-runtime refuses with every reason at once', (t) => {
  t.throws(() => requireFixedRuntime({ ...fixed, node: '26.10.0', undici: '8.0.0' }), {
    code: 'runtime-below-floor',
    message: /Node 26\.10\.0.*undici 8\.0\.0/,
  });
  t.doesNotThrow(() => requireFixedRuntime(fixed));
  t.end();
});

test('undici is the installed package, not the copy inside Node', (t) => {
  const versions = runtimeVersions();
  t.equal(versions.node, process.versions.node);
  t.same(runtimeWarnings({ ...fixed, undici: versions.undici }), []);
  t.end();
});
