import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The code blocks of a page of OPA's documentation on Envoy, in order, or undefined where the page cannot be had: it comes
 * with OPA's Go module, so it is where the compiler artefact was built. Nothing of it is kept in this repository.
 */
export function documentedBlocks(page: string, language: string): readonly string[] | undefined {
  const file = join(documentation(), 'envoy', page);
  if (!existsSync(file)) return undefined;
  const fence = new RegExp(`^( *)\`\`\`${language}\\b[^\\n]*\\n([^]*?)^\\1\`\`\`$`, 'gm');
  return [...readFileSync(file, 'utf8').matchAll(fence)].map(([, indent = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

export const noDocumentation = "OPA's Go module is not in Go's module cache";

function documentation(): string {
  const goMod = readFileSync(join(import.meta.dirname, '../../policy/compiler/go.mod'), 'utf8');
  const version = /^require github\.com\/open-policy-agent\/opa (\S+)$/m.exec(goMod)?.[1] ?? 'unknown';
  const { GOMODCACHE, GOPATH } = process.env;
  const cache = GOMODCACHE ?? join(GOPATH ?? join(homedir(), 'go'), 'pkg/mod');
  return join(cache, `github.com/open-policy-agent/opa@${version}`, 'docs/docs');
}
