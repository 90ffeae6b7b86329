import { readFileSync, writeFileSync } from 'node:fs';
import { runBench } from '../../bench/run.ts';
import { seeded } from '../harness/random.ts';
import { type Finding, fuzz, type Tally } from './fuzz.ts';
import { http1Page, pageFile } from './page.ts';
import { http2AnswersSubject } from './http2/answers-subject.ts';
import { http2Subject } from './http2/subject.ts';
import { askPeers } from './peers/all.ts';
import { nginxVersion } from './peers/nginx.ts';
import { requestSubject } from './request-subject.ts';
import { responseSubject } from './response-subject.ts';

// npm run fuzz [-- SECONDS [SEED]]: our readers of HTTP/1.1 next to llhttp in strict mode, and of HTTP/2 next to nghttp2, over
// the vectors and what becomes of them; and HTTP/2 that is answered, whose frames must be those that its client can take.
// npm run fuzz -- --peers [--write]: the vectors alone, next to undici and nginx too; --write makes docs/http1.md of it.
// Exit code 1 when they differ where no rule of request-rules.ts, response-rules.ts, http2/rules.ts and peers/peer-rules.ts says why.
const words = process.argv.slice(2);
const [seconds = 60, seed = Date.now() % 2 ** 31] = words.filter((word) => !word.startsWith('--')).map(Number);
const withPeers = words.includes('--peers');
const end = performance.now() + seconds * 1000;
const { tallies, findings } = withPeers ? await runBench(askPeers) : await fuzzForSeconds();
for (const [name, tally] of tallies) printTally(name, tally);
for (const finding of findings) printFinding(finding);
const executions = [...tallies.values()].reduce((sum, tally) => sum + tally.executions, 0);
const how = withPeers ? `with ${peerVersions()}` : `in ${seconds} s, seed ${seed}`;
console.log(`${executions} executions ${how}, ${findings.length} unlisted disagreements`);
const good = findings.length === 0 && executions > 0;
if (words.includes('--write') && withPeers && good && nginxVersion() !== undefined) {
  writeFileSync(pageFile, http1Page({ tallies, findings }, peerVersions()));
}
process.exitCode = good ? 0 : 1;

function fuzzForSeconds() {
  const subjects = [
    requestSubject(),
    responseSubject('GET'),
    responseSubject('HEAD'),
    http2Subject(),
    http2AnswersSubject(),
  ];
  return fuzz(subjects, seeded(seed), () => performance.now() < end);
}

function peerVersions(): string {
  const undici = JSON.parse(readFileSync(new URL('../../node_modules/undici/package.json', import.meta.url), 'utf8'));
  const nginx = nginxVersion() ?? 'nginx left out, which is not installed';
  return `llhttp ${process.versions['llhttp']}, undici ${(undici as { version: string }).version}, ${nginx}`;
}

function printTally(name: string, { executions: all, bothAccept, bothRefuse, rules, kept }: Tally): void {
  const listed = [...rules.values()].reduce((sum, times) => sum + times, 0);
  console.log(`${name}: ${all} executions, ${kept} kept as new`);
  console.log(`  both accept ${bothAccept}, both refuse ${bothRefuse}, disagree by a listed rule ${listed}`);
  for (const [rule, times] of [...rules].sort(([, left], [, right]) => right - left)) {
    console.log(`    ${String(times).padStart(8)}  ${rule}`);
  }
}

/** As a vector, to be put into test/vectors with what is right. */
function printFinding({ subject, what, bytes }: Finding): void {
  const vector = { name: '', ref: `fuzz, seed ${seed}`, bytes: bytes.toString('latin1'), expect: {} };
  console.log(`UNLISTED, ${subject}: ${what}\n  ${JSON.stringify(vector)}`);
}
