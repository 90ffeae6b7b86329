// What kustomize makes of deploy/kubernetes, kept beside the tests: where they run need not be a kubectl. The digest in the
// first line says of which sources it was made. Usage: node .ci/kubernetes.mjs
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'deploy/kubernetes');

export const overlays = globSync('overlays/*', { cwd: folder }).map((path) => basename(path));
export const renderedFile = (overlay) => join(root, `test/unit/deploy/fixtures/rendered-${overlay}.yaml`);

export function digestOfSources() {
  const hash = createHash('sha256');
  for (const path of globSync('**/*.*', { cwd: folder }).toSorted()) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(folder, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

export function render(overlay) {
  const text = execFileSync('kubectl', ['kustomize', join(folder, 'overlays', overlay)], { encoding: 'utf8' });
  return `# Made by .ci/kubernetes.mjs from deploy/kubernetes, sha256:${digestOfSources()}\n${text}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const overlay of overlays) writeFileSync(renderedFile(overlay), render(overlay));
}
