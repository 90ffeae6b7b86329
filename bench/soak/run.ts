import { runBench } from '../run.ts';
import { soakDisconnects } from './disconnects.ts';
import { soakReloads } from './reloads.ts';
import { soakRotations } from './rotations.ts';

// npm run soak [-- reloads]: a minute of load, a hundred reloads.
// npm run soak -- rotations [SECONDS]: a hundred SVIDs of an agent under load, with a change of CA; 600 seconds if not said.
// npm run soak -- disconnects [SECONDS [SEED]]: full load, and connections torn away at any point; 600 seconds if not said.
const [mode = 'reloads', ...numbers] = process.argv.slice(2);
const [seconds = 600, seed = 1] = numbers.map(Number);
const modes = new Map([
  ['reloads', soakReloads],
  ['rotations', (t: Parameters<typeof soakReloads>[0]) => soakRotations(t, seconds)],
  ['disconnects', (t: Parameters<typeof soakReloads>[0]) => soakDisconnects(t, seconds, seed)],
]);
const soak = modes.get(mode);
if (soak === undefined) console.log(`no such soak: ${mode}; there are ${[...modes.keys()].join(' and ')}`);
const good = soak !== undefined && (await runBench(soak));
console.log(good ? 'passed' : 'FAILED');
process.exitCode = good ? 0 : 1;
