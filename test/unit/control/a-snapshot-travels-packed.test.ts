import { test } from 'tap';
import { prepareOrder, unpack } from '../../../proxy/data/messages.ts';
import type { SnapshotData } from '../../../proxy/snapshot-data.ts';

/**
 * A message is taken apart before its thread knows that it is there. With large policy data that took longer than a
 * thread may stand still, and the watchdog replaced healthy threads: an order may hold bytes only.
 */
test('what a thread is sent to prepare is bytes until it prepares', (t) => {
  const members = { one: { roles: ['a', 'b'], number: 1 } };
  const snapshot = {
    digest: 'sha256:1',
    policy: { data: { members }, wasm: new Uint8Array([0, 97, 115, 109]) },
    schemas: new Map([['order.json', '{}']]),
    policyBad: undefined,
  } as unknown as SnapshotData;
  const { packed, ...rest } = prepareOrder(snapshot);
  t.ok(ArrayBuffer.isView(packed));
  t.strictSame(rest, { do: 'prepare', digest: snapshot.digest });
  t.strictSame(unpack(structuredClone(packed)), snapshot, 'and it arrives as it was');
  t.end();
});
