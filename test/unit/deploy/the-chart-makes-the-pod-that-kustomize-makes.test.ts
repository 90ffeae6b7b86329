import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import type { PodSpec } from '../../harness/pod-security.ts';

const { render, renderedChart, templateFile, templates } = (await import(
  new URL('../../../.ci/helm.mjs', import.meta.url).href
)) as {
  readonly render: (...words: readonly string[]) => {
    readonly status: number;
    readonly stdout: string;
    readonly stderr: string;
  };
  readonly renderedChart: string;
  readonly templateFile: string;
  readonly templates: () => string;
};

type Deployment = {
  readonly kind: string;
  readonly spec: {
    readonly template: { readonly metadata: { readonly labels: object }; readonly spec: PodSpec };
  };
};

const text = readFileSync(renderedChart, 'utf8');
const podOf = ({ spec }: Deployment) => spec.template;

test('the templates are made from the sidecar of kustomize (node .ci/helm.mjs)', (t) => {
  t.equal(readFileSync(templateFile, 'utf8'), templates());
  t.end();
});

test('a chart that includes them has the pod of overlays/local-ca, but for the workload', (t) => {
  const fixture = readFileSync(new URL('./fixtures/rendered-local-ca.yaml', import.meta.url), 'utf8');
  const all = parseAllDocuments(fixture).map((document) => document.toJS() as Deployment);
  const byKustomize = all.find(({ kind }) => kind === 'Deployment');
  if (byKustomize === undefined) throw new Error('no Deployment');
  const [helm, kustomize] = [podOf(parse(text) as Deployment), podOf(byKustomize)];
  t.same(helm.metadata.labels, kustomize.metadata.labels);
  const { containers: _, ...pod } = helm.spec;
  const {
    containers: __,
    serviceAccountName: ___,
    ...wanted
  } = kustomize.spec as PodSpec & {
    readonly serviceAccountName: string;
  };
  t.same(pod, wanted);
  t.end();
});

const noHelm = spawnSync('helm', ['version']).error !== undefined && 'helm is not installed';

test('helm renders it so, and says what is missing or wrong', { skip: noHelm }, (t) => {
  t.equal(render().stdout, text);
  const image = 'registry.test/portcullis@sha256:00';
  t.match(render('--set', `portcullis.image=${image}`).stdout, `image: "${image}"`);
  for (const [words, problem] of [
    [['--set', 'portcullis.svid=null'], /svid.*got null, want object/],
    [['--set', 'portcullis.svid.csi.driver=a'], /svid.*maxProperties/],
    [['--set', 'portcullis.image='], /image.*minLength/],
    [['--set', 'portcullis.typo=1'], /typo/],
  ] as const) {
    const { status, stderr } = render(...words);
    t.not(status, 0);
    t.match(stderr, problem);
  }
  t.end();
});
