import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

// `npm run bench:decisions -- [RULES...]`: what a decision costs by the number of rules. This is `portcullis bench policy
// --rules` with an opa that is built here, of the release that the compiler artefact is built from: both run the same Rego.
const version = 'v1.22.2';
const root = join(import.meta.dirname, '..');
const folder = join(root, 'node_modules/.cache/portcullis-bench');

const sizes = process.argv.slice(2).join(',') || '10,100,1000,10000';
const opa = buildOpa();
const words = ['bench', 'policy', '--rules', sizes, ...(opa === undefined ? [] : ['--with', `opa=${opa}`])];
execFileSync(process.execPath, [join(root, 'proxy/main.ts'), ...words], { stdio: 'inherit' });

function buildOpa(): string | undefined {
  const program = join(folder, 'opa');
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  try {
    const env = { ...process.env, GOBIN: folder };
    execFileSync('go', ['install', `github.com/open-policy-agent/opa@${version}`], { env, cwd: folder });
    return program;
  } catch (cause) {
    console.error(`no opa was built: ${cause instanceof Error ? cause.message : 'there is no go'}`);
    return undefined;
  }
}
