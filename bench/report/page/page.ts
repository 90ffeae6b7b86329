import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { foreignLoadWarning } from '../../machine.ts';
import type { BenchResult } from '../../result.ts';
import { type Chart, chartsOf } from '../charts.ts';
import { readChartLibrary } from './chart-library.ts';
import { figuresTables } from './figures-table.ts';
import { html, inlineJson, type Markup, trusted } from './markup.ts';

/**
 * The result as one page that needs nothing else: it may be mailed, kept as an artefact of a build, or opened years later. Its policy
 * lets only what was inlined here run, by digest, and lets nothing be fetched.
 */
export function resultPage(result: BenchResult): string {
  const library = readChartLibrary();
  const charts = chartsOf(result);
  const styles = [library.style, readFileSync(new URL('page.css', import.meta.url), 'utf8')];
  const scripts = [library.script, readFileSync(new URL('draw.mjs', import.meta.url), 'utf8')];
  const title = `bench ${result.command}: ${result.scenario}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy(scripts, styles)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
${styles.map((style) => html`<style>${trusted(style)}</style>\n`)}</head>
<body>
<main>
<h1>${title}</h1>
${facts(result)}
${notes(result)}
<h2>Charts</h2>
<noscript><p class="note">Charts need scripts; every figure is in the tables below.</p></noscript>
<div class="charts">${charts.map(figure)}</div>
<h2>Figures</h2>
<p class="facts">Medians over the rounds, which were interleaved; below each its ratio to the first subject, and the least and the most of
all rounds. Latencies and CPU of one operation are in microseconds. Compare within this page only.</p>
${figuresTables(result)}
</main>
<footer class="facts"><p>Written by portcullis ${result.machine.portcullis}.</p>
<details><summary>Charts: uPlot, and its licence</summary><pre>${library.licence}</pre></details></footer>
<script type="application/json" id="charts">${inlineJson(charts)}</script>
${scripts.map((script) => html`<script>${trusted(script)}</script>\n`)}</body>
</html>
`;
  return page.html;
}

/** `default-src 'none'` forbids what is not named: fetching, images, fonts, frames, plug-ins. */
function contentSecurityPolicy(scripts: readonly string[], styles: readonly string[]): Markup {
  const digest = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return trusted(
    [
      "default-src 'none'",
      `script-src ${scripts.map(digest).join(' ')}`,
      `style-src ${styles.map(digest).join(' ')}`,
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; '),
  );
}

function facts({ machine, startedAt }: BenchResult): Markup {
  const gigabytes = (machine.memoryBytes / 1024 ** 3).toFixed(1);
  return html`<p class="facts">${startedAt}; ${machine.cores} cores of ${machine.cpu}, ${gigabytes} GB, ${machine.kernel}, Node ${machine.node}</p>`;
}

function notes(result: BenchResult): Markup[] {
  const warning = foreignLoadWarning(result.machine);
  return [...(warning === undefined ? [] : [warning]), ...result.notes].map(
    (note) => html`<p class="note">${note}</p>\n`,
  );
}

/** The picture has a text beside it that says the same to those who cannot see it (WCAG 2.2, 1.1.1). */
function figure({ title, text }: Chart, index: number): Markup {
  return html`<figure><h3>${title}</h3>
<div id="chart-${index}" role="img" aria-label="${title}. ${text}"></div>
<figcaption><details><summary>In words</summary><p>${text}</p></details></figcaption></figure>
`;
}
