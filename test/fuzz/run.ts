import { type Finding, fuzz, type Tally } from './fuzz.ts';
import { seeded } from '../harness/random.ts';
import { requestSubject } from './request-subject.ts';
import { responseSubject } from './response-subject.ts';

// npm run fuzz [-- SECONDS [SEED]]: our readers next to llhttp in strict mode; exit code 1 when they differ where no rule of
// request-rules.ts and response-rules.ts says why.
const [seconds = 60, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number);
const subjects = [requestSubject(), responseSubject('GET'), responseSubject('HEAD')];
const end = performance.now() + seconds * 1000;
const { tallies, findings } = await fuzz(subjects, seeded(seed), () => performance.now() < end);
for (const [name, tally] of tallies) printTally(name, tally);
for (const finding of findings) printFinding(finding);
const executions = [...tallies.values()].reduce((sum, tally) => sum + tally.executions, 0);
console.log(`${executions} executions in ${seconds} s, seed ${seed}, ${findings.length} unlisted disagreements`);
process.exitCode = findings.length === 0 && executions > 0 ? 0 : 1;

function printTally(name: string, { executions, bothAccept, bothRefuse, rules, kept }: Tally): void {
  const listed = [...rules.values()].reduce((sum, times) => sum + times, 0);
  console.log(`${name}: ${executions} executions, ${kept} kept as new`);
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
