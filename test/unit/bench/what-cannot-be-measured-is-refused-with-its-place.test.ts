import { test } from 'tap';
import { benchCommands } from '../../../proxy/cli/bench.ts';
import { runCli } from '../../../proxy/cli/commands.ts';
import { ownPolicy, ownPolicyConfig } from '../../harness/own-policy.ts';
import { clientId } from '../../harness/proxy.ts';

const config = ['-c', 'portcullis.yaml'];

test('what cannot be measured is refused before anything is, with its place', async (t) => {
  const request = (more: object) => JSON.stringify({ id: clientId, target: '/orders/1', ...more });
  const folder = ownPolicy(t, {
    'broken.yaml': JSON.stringify({ ...ownPolicyConfig, workload: 'nowhere', listn: '127.0.0.1:1' }),
    'endless.yaml': JSON.stringify({ ...ownPolicyConfig, policy: { rego: './endless', max_steps: 1000 } }),
    'endless/authz.rego':
      'package portcullis.authz\n\ndecision := {"allow": count(numbers.range(1, input.long)) > 0}\n',
    'long.json': '{"long": 1000000}',
    'bad.json': '{\n  "a": 1,\n  "b": ]\n}',
    'bad.jsonl': `{"a": 1}\n{"a": 2}\n{"a": tru}\n`,
    'twice.jsonl': '{"a": 1}\n{"a": 2, "a": 3}\n',
    'number.json': '[{}, 7]',
    'none.json': '[]',
    'elsewhere.json': JSON.stringify([{ attributes: { source: { principal: clientId } } }, { request: {} }]),
    'empty.jsonl': '\n \n',
    'no-route.jsonl': `${request({})}\n${request({ target: '/elsewhere' })}\n`,
    'unknown.json': request({ verb: 'GET' }),
    'stranger.json': request({ id: 'spiffe://other.example/web' }),
    'header.json': request({ header: ['nothing'] }),
    'method.json': request({ method: 7 }),
    'empty.ndjson': '',
    'access.log': '127.0.0.1 - - [21/Nov/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 2\n',
    'other.ndjson': '{"v":1,"seq":1}\n',
    'folder/readme.txt': 'no audit stream',
  });
  const input = (file: string) => [...config, '--engine', 'plan', '--input', file];
  const recorded = (file: string) => [...config, '--recorded', file];
  const wrong: Readonly<Record<string, readonly (readonly [readonly string[], RegExp])[]>> = {
    usage: [
      [[], /--config is required/],
      [[...config, '--engine', 'v8'], /--engine is wasm, plan or both, not 'v8'/],
      [[...config, '--engine', 'verify'], /--engine is wasm, plan or both, not 'verify'/],
      [['--rules', 'many'], /--rules is a whole number from 1 to 100000, or several with commas between, not 'many'/],
      [['--rules', '10,0'], /--rules .*, not '0'/],
      [['--rules', '10,,20'], /--rules .*, not ''/],
      [['--rules', '10', ...config], /--rules brings its own policy and inputs, so --config has no place/],
      [[...config, '--rounds', '0'], /--rounds is a whole number from 1 to 1000, not '0'/],
      [[...config, '--with', '/usr/bin/opa'], /--with is opa=PATH, not '\/usr\/bin\/opa'/],
      [[...config, '--input', 'a', '--recorded', 'b'], /--input or --recorded, not both/],
    ],
    'config-invalid': [
      [['-c', 'broken.yaml'], /2 problems\n.*broken\.yaml:1:\d+: [^]*listn[^]*/],
      [['-c', 'none.yaml'], /none\.yaml:1:1: cannot be read/],
    ],
    'bench-peer-unusable': [
      [[...config, '--with', 'opa=/nope'], /--with: \/nope cannot be run \(ENOENT\)/],
      [[...config, '--with', `opa=${process.execPath}`], /is no opa/],
    ],
    'bench-input-unusable': [
      [input('none'), /none cannot be read \(ENOENT\)/],
      [input('bad.json'), /bad\.json:3:8: /],
      [input('bad.jsonl'), /bad\.jsonl:3:/],
      [input('twice.jsonl'), /twice\.jsonl:2:\d+: .*twice/],
      [input('number.json'), /number\.json, item 2 is no JSON object/],
      [input('none.json'), /none\.json holds an empty array/],
      [input('empty.jsonl'), /empty\.jsonl is empty/],
      [input('no-route.jsonl'), /no-route\.jsonl:2 is refused before the policy is asked: 404 no-route/],
      [input('unknown.json'), /unknown\.json: a request has id, target, .*, and no "verb"/],
      [input('stranger.json'), /stranger\.json: --id: .* peers of test\.example only/],
      [input('header.json'), /header\.json: --header is not NAME: VALUE: "nothing"/],
      [input('method.json'), /method\.json: method is a text/],
    ],
    'bench-input-lacking': [
      [input('elsewhere.json'), /elsewhere\.json, item 2 has nothing of what the policy reads: input\.attributes\./],
    ],
    'bench-recorded-unusable': [
      [recorded('none'), /none cannot be read \(ENOENT\)/],
      [recorded('empty.ndjson'), /empty\.ndjson is empty/],
      [recorded('access.log'), /access\.log:1 is no record of an audit stream/],
      [recorded('other.ndjson'), /other\.ndjson:1 is no record of an audit stream/],
      [recorded('folder'), /folder holds no audit stream/],
    ],
    'bench-undecided': [
      [
        ['-c', 'endless.yaml', '--input', 'long.json', '--engine', 'plan'],
        /portcullis, plan: it cannot decide long\.json: .*budget of 1000 steps/,
      ],
    ],
  };
  for (const [code, calls] of Object.entries(wrong)) {
    for (const [words, says] of calls) {
      const { status, stdout, stderr } = await call(folder, words);
      t.same([status, stdout], [code === 'usage' ? 2 : 3, ''], words.join(' '));
      t.match(stderr, new RegExp(`^error\\[${code}\\]: `));
      t.match(stderr, says);
    }
  }
});

async function call(cwd: string, words: readonly string[]) {
  let stdout = '';
  let stderr = '';
  const io = {
    out: (text: string) => {
      stdout += text;
    },
    err: (text: string) => {
      stderr += text;
    },
    env: {},
    cwd,
    now: () => Date.now(),
    color: false,
    onSignal: () => () => undefined,
  };
  const status = await runCli(benchCommands, ['bench', 'policy', ...words], io, '1.2.3');
  return { status, stdout, stderr };
}
