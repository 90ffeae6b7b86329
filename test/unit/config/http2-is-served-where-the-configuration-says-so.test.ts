import { test } from 'tap';
import { configSummary } from '../../../proxy/cli/config-summary.ts';
import type { Config } from '../../../proxy/config/config.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { change, good, problemsOf, world, writeFolder } from './folder.ts';

void test('it is off, on with its defaults, or on with a number of streams', async (t) => {
  const load = async (text: string): Promise<Config> => {
    const loaded = await loadConfig(writeFolder(t.testdir(), text), world);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return loaded.config;
  };
  const configs = [
    await load(good),
    await load(`${good}http2: {}\n`),
    await load(`${good}http2: { max_streams: 7 }\n`),
  ];
  t.same(
    configs.map(({ http2 }) => http2),
    [undefined, { maxStreams: 100 }, { maxStreams: 7 }],
  );
  const said = configs.map((config) =>
    configSummary(config, { color: false })
      .split('\n')
      .find((line) => line.startsWith('  listen'))
      ?.trim(),
  );
  const place = 'listen    127.0.0.1:8443, mutual TLS 1.3';
  t.same(said, [
    place,
    `${place}, HTTP/2 too, requests at once on a connection: 100`,
    `${place}, HTTP/2 too, requests at once on a connection: 7`,
  ]);
});

const bad: readonly (readonly [what: string, http2: string, problem: RegExp])[] = [
  ['nothing', '', /^portcullis\.yaml:6:7: http2: expected a map, got ``; allowed: max_streams$/],
  ['a switch', 'true', /^portcullis\.yaml:6:8: http2: expected a map, got `true`; allowed: max_streams$/],
  ['a list', '[100]', /^portcullis\.yaml:6:8: http2: expected a map, got a list; allowed: max_streams$/],
  [
    'another key',
    '{ max_stream: 1 }',
    /:6:10: http2\.max_stream: unknown key; allowed: max_streams; did you mean `max_streams`\?$/,
  ],
  [
    'none',
    '{ max_streams: 0 }',
    /:6:23: http2\.max_streams: 0 is out of range; allowed: a whole number from 1 to 1000$/,
  ],
  ['too many', '{ max_streams: 1001 }', /:6:23: http2\.max_streams: 1001 is out of range; .* from 1 to 1000$/],
  ['a fraction', '{ max_streams: 1.5 }', /:6:23: http2\.max_streams: `1\.5` is no whole number; .* from 1 to 1000$/],
  ['a word', '{ max_streams: many }', /:6:23: http2\.max_streams: .*; allowed: a whole number from 1 to 1000/],
];

for (const [what, http2, problem] of bad) {
  void test(`${what} in its place is reported with it`, async (t) => {
    const text = change('workload:\n', `http2: ${http2}\nworkload:\n`).replace('http2: \n', 'http2:\n');
    const problems = await problemsOf(writeFolder(t.testdir(), text));
    t.equal(problems.length, 1);
    t.match(problems[0], problem);
  });
}
