import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditRecord, TestProxy } from './proxy.ts';

/** As an operator's tool does it: nobody ever sees half a file, and who watches its folder sees one change of it. */
export function replaceFile({ folder }: Pick<TestProxy, 'folder'>, name: string, content: string): void {
  const next = join(folder, 'next-file');
  writeFileSync(next, content);
  renameSync(next, join(folder, name));
}

/** Replaces keys of the configuration that the proxy was started with. */
export function changeConfig(proxy: TestProxy, changes: Readonly<Record<string, unknown>>): void {
  const before = JSON.parse(readFileSync(join(proxy.folder, 'portcullis.yaml'), 'utf8')) as object;
  replaceFile(proxy, 'portcullis.yaml', JSON.stringify({ ...before, ...changes }));
}

/** Makes the change and resolves to the record of the swap that puts it into force. */
export async function untilInForce(proxy: TestProxy, change: () => unknown): Promise<AuditRecord> {
  const swaps = () => proxy.audit().filter(({ type }) => type === 'snapshot.swap');
  const before = swaps().length;
  await change();
  await proxy.untilRecord(() => swaps().length > before);
  return swaps()[before] as AuditRecord;
}
