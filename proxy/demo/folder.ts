import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProxyError } from '../errors.ts';

type Ports = { readonly proxy: number; readonly workload: number };

export type DemoFolder = {
  readonly path: string;
  readonly configFile: string;
  readonly stateFolder: string;
  readonly auditFolder: string;
};

/** No right to write, no room, or something else in the way. */
const notOurFault = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST']);
const defaultPolicy = join(import.meta.dirname, '../../policy/rego');

/**
 * Lays out everything the demo's proxy reads in one folder that can be looked at, changed and run again by hand. Keys,
 * certificates and the audit trail of earlier runs stay; the rest is written afresh, so a spoiled demo mends itself.
 * Throws ProxyError.
 */
export function layOut(path: string, ports: Ports): DemoFolder {
  try {
    return writeFiles(path, ports);
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (!notOurFault.has(code)) throw cause;
    throw new ProxyError('demo-folder-unusable', `the demo cannot write ${path} (${code})`, { cause });
  }
}

function writeFiles(path: string, ports: Ports): DemoFolder {
  mkdirSync(join(path, 'policy'), { recursive: true, mode: 0o700 });
  copy(join(import.meta.dirname, 'order.schema.json'), join(path, 'order.schema.json'));
  copy(join(defaultPolicy, 'example-data.json'), join(path, 'data.json'));
  // Rego tests stay behind: they test the policy, they are not part of it.
  for (const name of readdirSync(defaultPolicy).filter((each) => /(?<!_test)\.rego$/.test(each))) {
    copy(join(defaultPolicy, name), join(path, 'policy', name));
  }
  const config = readFileSync(join(import.meta.dirname, 'portcullis.yaml'), 'utf8')
    .replace(/^listen: .*$/m, `listen: 127.0.0.1:${ports.proxy}`)
    .replace(/^workload: .*$/m, `workload: 127.0.0.1:${ports.workload}`);
  const configFile = join(path, 'portcullis.yaml');
  writeFileSync(configFile, config);
  return { path, configFile, stateFolder: join(path, 'state'), auditFolder: join(path, 'audit') };
}

/** The content only: a copy of a file that is read-only could not be changed, nor written by the next run. */
function copy(from: string, to: string): void {
  writeFileSync(to, readFileSync(from));
}
