import { readFileSync } from 'node:fs';
import { options } from './options.ts';
import type { Field, JsonSchema, SectionOutline } from './shape.ts';
import { workloadApiOptions } from './workload-api-options.ts';

/** For editors: draft 2020-12, what `options.ts` says. It cannot say what spans keys or files; `portcullis check` does. */
export function configurationJsonSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Portcullis configuration',
    description: 'Made from proxy/config/options.ts by `npm run docs`; do not edit.',
    ...options.jsonSchema,
  };
}

/** The same of the file of `portcullis workload-api`. */
export function workloadApiJsonSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of portcullis workload-api',
    description: 'Made from proxy/config/workload-api-options.ts by `npm run docs`; do not edit.',
    ...workloadApiOptions.jsonSchema,
  };
}

/** docs/workload-api-configuration.md. */
export function workloadApiReference(): string {
  const intro = `<!-- Made from proxy/config/workload-api-options.ts by \`npm run docs\`; do not edit. -->
# Configuration of \`portcullis workload-api\`

One YAML file with the rules of [configuration.md](configuration.md); [workload-api.md](workload-api.md) says what it is for and what a
socket proves. The schema for editors is \`proxy/config/workload-api.schema.json\`. A change waits for the next start, which shows every
problem at once.
`;
  return [intro, ...(workloadApiOptions.sections ?? []).map(sectionReference)].join('\n');
}

/** docs/configuration.md: every key, with what may stand there and what stands there otherwise. */
export function configurationReference(): string {
  const example = readFileSync(new URL('example.yaml', import.meta.url), 'utf8');
  const sections = (options.sections ?? []).map(sectionReference);
  return [intro(example), ...sections].join('\n');
}

function intro(example: string): string {
  return `<!-- Made from proxy/config/options.ts by \`npm run docs\`; do not edit. -->
# Configuration

One YAML file (YAML 1.2, one document, at most 1 MiB). Paths are relative to the file. Durations have a unit (\`500ms\`,
\`30s\`, \`5m\`, \`1h\`), and so have sizes (\`64KiB\`, \`1MiB\`). Unknown keys are errors. A secret is never written in the
file: a key that ends in \`_file\` names the file that holds it. \`portcullis check -c FILE\` shows every problem at once,
as \`file:line:column: key: what; allowed; did you mean\`, or what the configuration means.

This is enough to begin with:

\`\`\`yaml
${example.trimEnd()}
\`\`\`

The first line makes an editor with the YAML language server complete and check keys; give it the path or URL of
\`proxy/config/portcullis.schema.json\`.

Safe by default: what no route names, no policy rule allows or no audit record can be written for is refused; TLS 1.3
with client certificates only; the workload and the admin interface on loopback only. A key whose name begins with
\`unsafe_\` gives some of that up; those that are on are shown at start, by \`portcullis check\`, and in the metrics.

**Reload**: *live* keys take effect when the file is saved, for connections and requests that begin afterwards; a file
with a problem changes nothing. *Restart* keys wait for the next start.
`;
}

function sectionReference({ title, doc, fields }: SectionOutline): string {
  const rows = Object.entries(fields).map(
    ([key, field]) => `| \`${key}\` | ${cell(sentence(field))} | ${presence(field)} | ${reload(field)} |`,
  );
  return [`## ${title}`, '', doc, '', '| Key | Meaning | Default | Reload |', '|---|---|---|---|', ...rows, ''].join(
    '\n',
  );
}

/** A section has a table of its own: its keys need not stand here a second time. */
function sentence({ doc, shape }: Field<unknown>): string {
  return shape.sections === undefined ? `${doc}<br>${capital(shape.allowed)}.` : `${doc} See below.`;
}

/** The keys of a section differ in this. */
function reload({ shape, reload: when }: Field<unknown>): string {
  return shape.sections === undefined ? when : '';
}

function presence({ presence: when }: Field<unknown>): string {
  if (when === 'required') return '**required**';
  if (when === 'optional') return '-';
  if (typeof when.default === 'object') return Array.isArray(when.default) ? '`[]`' : 'all defaults';
  return `\`${when.default}\``;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A `|` would end the cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
