// Makes the templates of deploy/helm/portcullis from deploy/kubernetes/sidecar, so that there is one sidecar and not two, and
// renders a chart with them, kept beside the tests: where they run need not be a helm. Usage: node .ci/helm.mjs
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// oxlint-disable-next-line no-restricted-imports -- a tool of this repository, which reads what is written in it.
import { parse, stringify } from 'yaml';

const root = fileURLToPath(new URL('..', import.meta.url));
const fixtures = join(root, 'test/unit/deploy/fixtures');
export const renderedChart = join(fixtures, 'rendered-chart.yaml');
export const templateFile = join(root, 'deploy/helm/portcullis/templates/_pod.tpl');

const yaml = (value) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
const define = (name, text) => `{{- define "portcullis.${name}" -}}\n${text}{{- end }}\n`;

/** The patch as named templates: what kustomize merges into a pod, the chart of a workload includes. */
export function templates() {
  const { metadata, spec } = parse(readFileSync(join(root, 'deploy/kubernetes/sidecar/pod.yaml'), 'utf8')).spec
    .template;
  const { initContainers, volumes, ...pod } = spec;
  const sidecar = yaml(initContainers).replace(/image: .*/, 'image: {{ .Values.portcullis.image | quote }}');
  const svid =
    '- name: svid\n{{- toYaml (required "portcullis.svid says where the SVID comes from" .Values.portcullis.svid) | nindent 2 }}\n';
  const mounted = yaml(volumes).replace(/(configMap:\n +name:) .*/, '$1 {{ .Values.portcullis.configMap | quote }}');
  return [
    '{{- /* Made by .ci/helm.mjs from deploy/kubernetes/sidecar/pod.yaml; change that one. */ -}}\n',
    define('labels', yaml(metadata.labels)),
    define('pod', yaml(pod)),
    define('initContainers', sidecar),
    define('volumes', `${mounted}${svid}`),
  ].join('');
}

/** The chart of a workload that includes them, as helm renders it, with further words such as `--set`. */
export function render(...words) {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-chart-'));
  try {
    cpSync(join(fixtures, 'chart'), folder, { recursive: true });
    cpSync(join(root, 'deploy/helm/portcullis'), join(folder, 'charts/portcullis'), { recursive: true });
    return spawnSync('helm', ['template', 'orders', folder, ...words], { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(templateFile, templates());
  const { status, stdout, stderr } = render();
  if (status === 0) writeFileSync(renderedChart, stdout);
  else console.error(stderr);
}
