// `npm test`: every gate, then the tests; a failed gate does not hide the next one. The last line is `N passed, N failed`,
// where a gate counts as one and the tests count as tap counts them.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const gates = [
  ['types', 'tsc', '--noEmit'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['format', 'biome', 'format', '.'],
  ['dead code', 'knip'],
  ['Rego tests', 'node', 'proxy/main.ts', 'policy', 'test', 'policy/rego'],
];

/** tap's own totals, from the last line of that kind in its raw output; undefined when tap came to no end. */
export function totals(rawTap) {
  const last = [...rawTap.matchAll(/^# \{ total: \d+[^}]*\}$/gm)].at(-1)?.[0];
  if (last === undefined) return undefined;
  const count = (name) => Number(last.match(new RegExp(`\\b${name}: (\\d+)`))?.[1] ?? 0);
  return { passed: count('pass'), failed: count('fail'), neither: count('skip') + count('todo') };
}

/**
 * What failed, each with the tests that it stands in and what tap says of it. Read from the raw output, because tap's
 * reporter has been seen to leave out every failure when its own output goes into a pipe.
 */
export function failures(rawTap) {
  const names = [];
  const found = [];
  const lines = /^( *)(?:# Subtest: (.*)|not ok \d+ - (.*)((?:\n *---\n[^]*?\n *\.\.\.$)?))/gm;
  for (const [, indent, subtest, failed, details] of rawTap.matchAll(lines)) {
    const depth = indent.length / 4;
    if (subtest !== undefined) names.splice(depth, Infinity, subtest);
    else if (!/ # (?:TODO|SKIP)\b/.test(failed)) found.push([...names.slice(0, depth), failed].join(' > ') + details);
  }
  return found;
}

async function runGate([name, command, ...args]) {
  const began = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close').catch(({ message }) => [message]);
  const said = await Promise.all([text(child.stdout), text(child.stderr), ended.then(([how]) => `exit ${how}\n`)]);
  const [status] = await ended;
  const ok = status === 0;
  console.log(`${ok ? 'ok' : 'FAILED'}  ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  if (!ok) console.log(`$ ${[command, ...args].join(' ')}\n${said.join('')}`);
  return ok;
}

function runTests(words) {
  const raw = '.tap/output.tap';
  rmSync(raw, { force: true });
  mkdirSync('.tap', { recursive: true });
  const { status, signal } = spawnSync(
    'tap',
    [`--reporter=${process.stdout.isTTY ? 'terse' : 'min'}`, `--output-file=${raw}`, ...words],
    { stdio: 'inherit' },
  );
  const output = existsSync(raw) ? readFileSync(raw, 'utf8') : '';
  const counted = totals(output) ?? { passed: 0, failed: 0, neither: 0 };
  console.log(['', ...failures(output).map((failure) => `FAILED  ${failure}`)].join('\n'));
  if (counted.failed > 0 || (counted.passed > 0 && status === 0)) return counted;
  // No test that ran, or an exit code without a failure in the counts, is a failure of its own.
  console.log(`FAILED  tap ended with ${status ?? signal}, ${counted.passed} passed and no failure`);
  return { ...counted, failed: 1 };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // The tests start a thousand processes and threads of the same modules: what one has compiled, the next one reads.
  process.env.NODE_COMPILE_CACHE ??= resolve('node_modules/.cache/node');
  const words = process.argv.slice(2);
  // Words behind `npm test --` name single tests: then the gates stay out of the way.
  const gateResults = words.length > 0 ? [] : await Promise.all(gates.map(runGate));
  const tests = runTests(words);
  const passed = tests.passed + gateResults.filter(Boolean).length;
  const failed = tests.failed + gateResults.filter((ok) => !ok).length;
  if (tests.neither > 0) console.log(`${tests.neither} skipped or todo`);
  // A reporter may have left the cursor, or an escape sequence, at the end of a line.
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
