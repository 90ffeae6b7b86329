// Runs what the image will run, so that its compile cache has been filled when it is built. Usage: node warm.mjs MAIN
import { spawnSync } from 'node:child_process';

const main = process.argv[2];

function run(words, expected) {
  const { status, stderr } = spawnSync(process.execPath, [main, ...words], { encoding: 'utf8' });
  if (status === expected) return;
  console.error(`portcullis ${words.join(' ')} ended with ${status}\n${stderr}`);
  process.exit(1);
}

// The demo loads all that serves: control, a data thread, the audit, the local CA.
run(['demo', '--once', '--port', '0'], 0);
run(['check', '--config', '.portcullis/demo/portcullis.yaml'], 0);
// Nobody listens, which is what a probe says most of its time while a proxy starts.
run(['probe', 'ready', '--admin', '127.0.0.1:1'], 1);
// It ends before it listens, with all of its own code loaded.
run(['run', '--config', 'missing.yaml'], 3);
