import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemErrorText } from '../policy/system-error.ts';
import { ProxyError } from '../proxy/errors.ts';
import type { Bench } from './run.ts';

/** Removed when the measurement has ended. Throws ProxyError. */
export function temporaryFolder(t: Bench, prefix: string): string {
  const folder = makeFolder(join(tmpdir(), prefix));
  // What has just been ended may still write its last.
  t.teardown(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return folder;
}

function makeFolder(prefix: string): string {
  try {
    return mkdtempSync(prefix);
  } catch (cause) {
    throw new ProxyError('bench-folder-unusable', `cannot write to ${tmpdir()}: ${systemErrorText(cause)}`, { cause });
  }
}
