import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type DemoFolder = {
  readonly path: string;
  readonly configFile: string;
  readonly stateFolder: string;
  readonly auditFolder: string;
};

const defaultPolicy = join(import.meta.dirname, '../../policy/rego');

/**
 * Lays out everything the demo's proxy reads in one folder that can be looked at, changed and run again by hand. Keys,
 * certificates and the audit trail of earlier runs stay; the rest is written afresh, so a spoiled demo mends itself.
 */
export function layOut(path: string, ports: { readonly proxy: number; readonly workload: number }): DemoFolder {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  cpSync(join(import.meta.dirname, 'order.schema.json'), join(path, 'order.schema.json'));
  cpSync(join(defaultPolicy, 'example-data.json'), join(path, 'data.json'));
  // Rego tests stay behind: they test the policy, they are not part of it.
  cpSync(defaultPolicy, join(path, 'policy'), {
    recursive: true,
    filter: (source) => !/_test\.rego$|\.json$/.test(source),
  });
  const config = readFileSync(join(import.meta.dirname, 'portcullis.yaml'), 'utf8')
    .replace(/^listen: .*$/m, `listen: 127.0.0.1:${ports.proxy}`)
    .replace(/^workload: .*$/m, `workload: 127.0.0.1:${ports.workload}`);
  const configFile = join(path, 'portcullis.yaml');
  writeFileSync(configFile, config);
  return { path, configFile, stateFolder: join(path, 'state'), auditFolder: join(path, 'audit') };
}
