import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { parse } from 'yaml';
import { newFolder } from '../../harness/proxy.ts';

const root = join(import.meta.dirname, '../../..');
const read = (name: string): unknown => parse(readFileSync(join(root, name), 'utf8'), { merge: true });

type Components = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
type Pipeline = Readonly<Record<'receivers' | 'processors' | 'exporters', readonly string[]>>;
type FileLog = {
  readonly include: readonly string[];
  readonly operators: readonly {
    readonly type: string;
    readonly timestamp: { readonly parse_from: string; readonly layout: string };
    readonly severity: { readonly parse_from: string; readonly mapping: Readonly<Record<string, string>> };
  }[];
};

const config = read('deploy/compose/collector/collector.yaml') as {
  readonly receivers: Components;
  readonly processors: Components;
  readonly exporters: Components;
  readonly service: { readonly pipelines: Readonly<Record<string, Pipeline>>; readonly telemetry: unknown };
};
const { collector, ...others } = (
  read('compose.yaml') as {
    readonly services: Readonly<
      Record<
        string,
        { readonly user?: string; readonly command: readonly string[]; readonly volumes?: readonly string[] }
      >
    >;
  }
).services;

/** The keys of each component that is used, from its documentation in v0.139.0; a collector refuses any other. */
const known: Readonly<Record<string, readonly string[]>> = {
  filelog: ['include', 'start_at', 'force_flush_period', 'include_file_path', 'retry_on_failure', 'operators'],
  prometheus: ['config'],
  memory_limiter: ['check_interval', 'limit_mib'],
  debug: ['verbosity'],
};

test('each pipeline is made of components that are there, and each component has keys that it knows', (t) => {
  const { pipelines } = config.service;
  t.same(Object.keys(config), ['receivers', 'processors', 'exporters', 'service']);
  t.same(Object.keys(pipelines), ['logs', 'metrics'], 'there are no traces to collect');
  for (const part of ['receivers', 'processors', 'exporters'] as const) {
    const used = Object.values(pipelines).flatMap((pipeline) => pipeline[part]);
    t.same(new Set(used), new Set(Object.keys(config[part])), part);
    for (const [name, settings] of Object.entries(config[part])) {
      t.same(
        Object.keys(settings).filter((key) => !known[name]?.includes(key)),
        [],
        name,
      );
    }
  }
  t.end();
});

test('what it reads is mounted, the records of every proxy among it, and it is whom they belong to', (t) => {
  const mounted = new Map(
    collector?.volumes?.map((volume) => volume.split(':').toReversed().slice(-2) as [string, string]),
  );
  t.ok(
    collector?.volumes?.every((volume) => volume.endsWith(':ro')),
    'it can change none of it',
  );
  const audits = Object.values(others).flatMap(({ volumes = [] }) =>
    volumes.filter((volume) => /-audit:/.test(volume)),
  );
  const places = [...mounted].filter(([, source]) => source.endsWith('-audit'));
  t.same(new Set(places.map(([, source]) => source)), new Set(audits.map((volume) => volume.split(':')[0])));
  t.ok(places.every(([target]) => /^\/audit\/[^/]+$/.test(target)));
  t.same((config.receivers['filelog'] as FileLog).include, ['/audit/*/*/*.ndjson']);
  t.equal(collector?.user, others['orders-proxy']?.user);
  const [option, file = ''] = collector?.command ?? [];
  t.equal(option, '--config');
  t.ok(existsSync(join(root, mounted.get('/etc/otelcol') ?? '', file.replace('/etc/otelcol/', ''))));
  t.equal(config.receivers['prometheus']?.['config'], '${file:/etc/prometheus/prometheus.yml}');
  t.ok(existsSync(join(root, mounted.get('/etc/prometheus') ?? '', 'prometheus.yml')));
  t.end();
});

test('time and weight of a record are taken from where it has them', (t) => {
  const [operator] = (config.receivers['filelog'] as FileLog).operators;
  if (operator === undefined) throw new Error('no operator');
  const { type, timestamp, severity } = operator;
  t.equal(type, 'json_parser');
  const documented = readFileSync(join(root, 'docs/audit.md'), 'utf8');
  for (const { parse_from: from } of [timestamp, severity])
    t.match(documented, `\`${from.replace('attributes.', '')}\``);
  // Go's reference time, written as Date writes it.
  t.equal(timestamp.layout.replace('Z07:00', 'Z'), new Date(Date.UTC(2006, 0, 2, 15, 4, 5)).toISOString());
  for (const outcome of Object.values(severity.mapping))
    t.match(documented, new RegExp(`\`outcome\` \\(.*\`${outcome}\``));
  t.end();
});

const otelcol = process.env['OTELCOL'] ?? 'otelcol-contrib';
const noCollector = spawnSync(otelcol, ['--version']).error !== undefined && 'no collector (OTELCOL=FILE names one)';

test('a collector takes the file, and would say what it does not know', { skip: noCollector }, (t) => {
  const file = join(newFolder(t), 'collector.yaml');
  const text = readFileSync(join(root, 'deploy/compose/collector/collector.yaml'), 'utf8');
  const here = text.replace('/etc/prometheus/', join(root, 'deploy/compose/prometheus/'));
  for (const [content, status] of [
    [here, 0],
    [here.replace('layout_type', 'layout_typo'), 1],
    [here.replace('/prometheus.yml', '/missing.yml'), 1],
  ] as const) {
    writeFileSync(file, content);
    const validated = spawnSync(otelcol, ['validate', '--config', file], { encoding: 'utf8' });
    t.equal(validated.status, status, validated.stderr);
  }
  t.end();
});
