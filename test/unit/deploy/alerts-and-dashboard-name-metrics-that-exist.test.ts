import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { parse } from 'yaml';
import { type MetricDefinition, METRICS } from '../../../proxy/telemetry/definitions.ts';

type Rule = { readonly alert: string; readonly expr: string; readonly annotations: Readonly<Record<string, string>> };
type Target = { readonly expr: string; readonly legendFormat?: string };
type Panel = {
  readonly title: string;
  readonly targets: readonly Target[];
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
};

const read = (path: string) => readFileSync(join(import.meta.dirname, '../../..', path), 'utf8');
const rules = (
  parse(read('deploy/kubernetes/monitoring/prometheus-rule.yaml')) as {
    readonly spec: { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
  }
).spec.groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read('deploy/kubernetes/monitoring/dashboard.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
};

/** What Prometheus adds to each series: of the target, and `podTargetLabels` of our ServiceMonitor. */
const ofTheTarget = ['instance', 'namespace', 'pod', 'app'];

function definitionOf(series: string): MetricDefinition | undefined {
  return Object.values<MetricDefinition>(METRICS).find(({ name, type }) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].some((end) => series === name + end) : series === name,
  );
}

/** Everything in an expression that is a name of a metric or label, against the table; `texts` are what labels are shown in. */
function problemsOf(expr: string, texts: readonly string[] = []): readonly string[] {
  const problems: string[] = [];
  const labels = new Set(ofTheTarget);
  for (const [, series = '', matchers = ''] of expr.matchAll(/\b((?:portcullis|process)_\w+)(?:\{([^}]*)\})?/g)) {
    const definition = definitionOf(series);
    if (definition === undefined) problems.push(`no metric ${series}`);
    for (const label of definition?.labels ?? []) labels.add(label);
    if (series.endsWith('_bucket')) labels.add('le');
    for (const [, label = '', value = ''] of matchers.matchAll(/(\w+)\s*[=!]~?\s*"([^"]*)"/g)) {
      if (!labels.has(label)) problems.push(`${series} has no label ${label}`);
      const isOfAList = label === 'outcome' || label === 'reason' || label === 'part';
      if (isOfAList && definition?.help.includes(value) !== true)
        problems.push(`${label} of ${series} is never ${value}`);
    }
  }
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/,\s*/));
  const shown = texts.flatMap((text) =>
    [...text.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map(([, name = '']) => name),
  );
  const others = [...grouped, ...shown].filter((name) => !labels.has(name));
  return [...problems, ...others.map((name) => `no label ${name}`)];
}

test('each alert', (t) => {
  t.ok(rules.length > 10);
  t.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  for (const { alert, expr, annotations } of rules) {
    t.match(expr, /portcullis_/, alert);
    t.same(problemsOf(expr, Object.values(annotations)), [], alert);
  }
  t.end();
});

test('each panel of the dashboard', (t) => {
  for (const { title, targets } of dashboard.panels) {
    for (const { expr, legendFormat = '' } of targets) t.same(problemsOf(expr, [legendFormat]), [], title);
  }
  for (const { name, definition } of dashboard.templating.list) {
    if (definition !== undefined) t.same(problemsOf(definition), [], name);
  }
  const overlapping = dashboard.panels.filter(({ gridPos: a }, index) =>
    dashboard.panels
      .slice(index + 1)
      .some(({ gridPos: b }) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h),
  );
  t.same(overlapping, [], 'none lies on another');
  t.end();
});

test('what does not exist is found', (t) => {
  t.same(problemsOf('rate(portcullis_request_total[5m])'), ['no metric portcullis_request_total']);
  t.same(problemsOf('portcullis_stage_seconds{stage="user"}'), [
    'no metric portcullis_stage_seconds',
    'portcullis_stage_seconds has no label stage',
  ]);
  t.same(problemsOf('portcullis_requests_total{outcome="refused"}'), [
    'outcome of portcullis_requests_total is never refused',
  ]);
  t.same(problemsOf('sum by (peer) (portcullis_threads)', ['{{ $labels.route }}']), [
    'no label peer',
    'no label route',
  ]);
  t.end();
});
