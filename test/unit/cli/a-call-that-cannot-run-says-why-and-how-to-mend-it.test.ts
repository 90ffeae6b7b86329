import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { type Command, type Io, UsageError } from '../../../proxy/cli/command.ts';
import { runCli } from '../../../proxy/cli/commands.ts';
import { ProxyError } from '../../../proxy/errors.ts';

function command(path: readonly string[], run: Command['run'] = async () => 0): Command {
  return {
    path,
    summary: `Summary of ${path.join(' ')}.`,
    options: [
      { name: 'config', short: 'c', value: 'FILE', required: path[0] === 'run', help: 'The configuration file' },
      { name: 'json', help: 'Machine-readable output' },
    ],
    exitCodes: { 0: 'fine', 1: 'not fine' },
    run,
  };
}

async function call(
  words: readonly string[],
  commands: readonly Command[],
  env: Io['env'] = {},
  more: Partial<Io> = {},
) {
  let out = '';
  let err = '';
  const io: Io = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env,
    cwd: '/',
    now: () => 0,
    color: false,
    onSignal: () => () => undefined,
    ...more,
  };
  const code = await runCli(commands, words, io, '1.2.3');
  return { code, out, err };
}

const commands = [command(['run']), command(['ca', 'init']), command(['ca', 'issue']), command(['check'])];

test('an unknown command names the nearest one', async (t) => {
  const { code, out, err } = await call(['chek'], commands);
  t.equal(code, 2);
  t.equal(out, '');
  t.match(err, "error[usage]: unknown command 'chek'; did you mean 'check'?");
});

test('an unknown member of a group names the nearest one', async (t) => {
  t.match((await call(['ca', 'isue'], commands)).err, "unknown command 'ca isue'; did you mean 'ca issue'?");
  t.match((await call(['ca'], commands)).err, "which 'ca' command? ca init, ca issue");
  t.match((await call([], commands)).err, 'which command? run, ca, check');
  t.match((await call(['ca', 'foo'], commands)).err, "unknown command 'ca foo'; there are ca init, ca issue\n");
  t.match((await call(['xyzzy'], commands)).err, "unknown command 'xyzzy'; there are run, ca, check\n");
  t.match((await call(['--json', 'check'], commands)).err, "the command comes first, and then its options: '--json'");
});

test('a wrong option shows the usage of its command', async (t) => {
  const { code, err } = await call(['run'], commands);
  t.equal(code, 2);
  t.match(err, '--config is required');
  t.match(err, 'Usage: portcullis run --config FILE [OPTIONS]');
  t.equal((await call(['check', '--nope'], commands)).code, 2);
  t.match(await call(['check', '-c', ''], commands), { code: 2, err: /--config is empty/ });
  t.match(await call(['show', ''], [{ ...command(['show']), positionals: 'FOLDER' }]), {
    code: 2,
    err: /an argument is empty/,
  });
});

test('help exists for the whole, for a group and for a command', async (t) => {
  t.match((await call(['--help'], commands)).out, /ca issue +Summary of ca issue\./);
  t.match((await call(['ca', '-h'], commands)).out, /Usage: portcullis ca COMMAND/);
  const { code, out } = await call(['run', '--help'], commands);
  t.equal(code, 0);
  t.match(out, /-c, --config FILE +The configuration file \(required\)/);
  t.match(out, /Exit codes:\n {2}0 +fine\n {2}1 +not fine\n {2}2 +a mistake.*\n {2}3 +it cannot run.*\n {2}70 +a bug/);
  t.equal((await call(['help', 'ca', 'init'], commands)).out, (await call(['ca', 'init', '--help'], commands)).out);
  t.equal((await call(['nope', '--help'], commands)).code, 2);
});

test('--version tells the version and the runtime', async (t) => {
  t.equal((await call(['--version'], commands)).out, `portcullis 1.2.3, Node ${process.versions.node}\n`);
});

test('the exit code of a command is passed on', async (t) => {
  t.equal((await call(['check'], [command(['check'], async () => 1)])).code, 1);
});

test('an error of a catalogue shows its code and its remedy, and no stack', async (t) => {
  const failing = command(['check'], () => Promise.reject(new ProxyError('port-in-use', 'port 8443 is taken')));
  const { code, err } = await call(['check'], [failing], { PORTCULLIS_DEBUG: '1' });
  t.equal(code, 3);
  t.match(err, /^error\[port-in-use\]: port 8443 is taken\n {2}stop that process/);
  t.notMatch(err, /\bat /);
});

test('whether an error is red is asked of standard error, not of standard output', async (t) => {
  t.match((await call(['nope'], commands, {}, { color: false, errorColor: true })).err, /^\u001b\[31merror/);
  t.match((await call(['nope'], commands, {}, { color: true, errorColor: false })).err, /^error/);
  t.match((await call(['nope'], commands, {}, { color: true })).err, /^error/);
});

test('a usage error thrown by the command itself is a usage error', async (t) => {
  const failing = command(['check'], () => Promise.reject(new UsageError('--a and --b exclude each other')));
  t.equal((await call(['check'], [failing])).code, 2);
});

test('anything else is a bug, whose stack is shown only when asked for', async (t) => {
  const failing = command(['check'], () => Promise.reject(new TypeError('oops')));
  const quiet = await call(['check'], [failing]);
  t.equal(quiet.code, 70);
  t.match(quiet.err, 'bug: TypeError: oops');
  t.notMatch(quiet.err, /\n +at /);
  t.match((await call(['check'], [failing], { PORTCULLIS_DEBUG: '1' })).err, /\n +at /);
});

test('a clone without its dependencies says what to run, in whatever folder', async (t) => {
  const clone = join(t.testdir(), 'a clone');
  const launcher = join(clone, 'proxy/cli/portcullis');
  cpSync(new URL('../../../proxy/cli/portcullis', import.meta.url), launcher);
  const { status, stderr } = spawnSync(launcher, ['--version'], { encoding: 'utf8', cwd: '/' });
  t.equal(status, 3);
  t.equal(
    stderr,
    `error[not-installed]: the pinned Node is not in ${clone}/node_modules\n  Run: node '${clone}/.ci/install.mjs' runtime\n`,
  );
});
