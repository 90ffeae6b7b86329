import { test } from 'tap';
import { configSummary } from '../../../proxy/cli/config-summary.ts';
import type { Config } from '../../../proxy/config/config.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { connectionsOfThread } from '../../../proxy/limit/descriptors.ts';
import { change, world, writeFolder } from './folder.ts';

const address = 'address: 127.0.0.1:8080';
const breaker = `${address}\n  breaker: { failures: 3 }`;
const tls = 'tls: { spiffe_ids: [spiffe://shop.test/b] }';
const standby = `${breaker}\n  standby: { address: 'b.shop.test:8443', ${tls} }`;

void test('a check says where requests go while the workload does not answer, and there are descriptors for both', async (t) => {
  const load = async (workload: string): Promise<Config> => {
    const loaded = await loadConfig(
      writeFolder(t.testdir(), change(address, workload).replace('max_connections: 500', 'max_connections: 20000')),
      world,
    );
    if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('; '));
    return loaded.config;
  };
  const [alone, left, both] = [await load(address), await load(breaker), await load(standby)];
  const said = (config: Config) =>
    configSummary(config, { color: false })
      .split('\n')
      .find((line) => /^ +workload/.test(line));
  t.equal(said(alone)?.trim(), 'workload  127.0.0.1:8080');
  t.match(said(left), /8080; left alone for 5s after failures in a row: 3$/);
  t.match(said(both), /row: 3; then b\.shop\.test:8443, mutual TLS 1\.3, as spiffe:\/\/shop\.test\/b$/);
  const room = (config: Config) => connectionsOfThread(config, 20_000) * config.threads;
  t.equal(room(left) - room(both), both.threads * both.workload.maxConnections);
});
