import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'tap';
import { chartsOf } from '../../bench/report/charts.ts';
import { resultPage } from '../../bench/report/page/page.ts';
import type { BenchResult } from '../../bench/result.ts';
import { benchResult, benchSubject } from '../harness/bench-result.ts';
import { type Browser, findBrowser, type Page, startBrowser } from '../harness/browser.ts';

const command = findBrowser();
const skip = command === undefined && 'no Chromium on this machine: apt-get install chromium-headless-shell';

let browser: Browser;
let folder: string;

test('a browser', { skip }, async () => {
  browser = await startBrowser(command ?? '');
  folder = mkdtempSync(path.join(tmpdir(), 'portcullis-page-'));
});

/** The page as a reader has it: from a file, loaded, every picture drawn. */
async function shown(html: string, scheme = 'light'): Promise<{ page: Page; url: string }> {
  const file = path.join(folder, 'page.html');
  writeFileSync(file, html);
  const url = pathToFileURL(file).href;
  const page = await browser.page();
  await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  const loaded = page.next('Page.loadEventFired');
  await page.send('Page.navigate', { url });
  await loaded;
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
  return { page, url };
}

/** What a reader would find in the console, and what left the machine. */
function complaints({ happenings }: Page): string[] {
  const bad = ['Runtime.exceptionThrown', 'Runtime.consoleAPICalled', 'Log.entryAdded', 'Audits.issueAdded'];
  return happenings.filter(({ method }) => bad.includes(method)).map((each) => JSON.stringify(each));
}

function requested({ happenings }: Page): string[] {
  const sent = happenings.filter(({ method }) => method === 'Network.requestWillBeSent');
  return sent.map(({ params }) => (params['request'] as { url: string }).url);
}

type Canvas = { readonly inked: number; readonly series: readonly string[]; readonly colors: readonly string[] };

/** Of each chart: how much of its canvas is not blank, the legend, and which colours of the legend are found on the canvas. */
const readCharts = `[...document.querySelectorAll('.charts figure')].map((figure) => {
  const canvas = figure.querySelector('canvas');
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const found = new Map();
  let inked = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] === 0) continue;
    inked += 1;
    const color = 'rgb(' + pixels[i] + ', ' + pixels[i + 1] + ', ' + pixels[i + 2] + ')';
    found.set(color, (found.get(color) ?? 0) + 1);
  }
  // A live legend begins with the value of x.
  const rows = [...figure.querySelectorAll('.u-legend .u-series')].slice(figure.querySelector('.u-legend.u-live') ? 1 : 0);
  const marks = rows.map((row) => getComputedStyle(row.querySelector('.u-marker')).borderColor);
  return {
    inked,
    series: rows.map((row) => row.querySelector('.u-label').textContent),
    colors: marks.filter((color) => found.get(color) > 20),
  };
})`;

const readFigures = `[...document.querySelectorAll('td[data-figure]')].map((cell) => ({
  subject: cell.dataset.subject, of: cell.dataset.case, figure: cell.dataset.figure,
  value: Number(cell.querySelector('data').value), text: cell.querySelector('data').textContent,
}))`;

type Cell = Readonly<Record<'subject' | 'of' | 'figure' | 'text', string>> & { readonly value: number };

const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[(values.length - 1) / 2];

/** From the file alone, by other means than the page's. */
function expectedFigures({ subjects }: BenchResult): Map<string, number | undefined> {
  return new Map(
    subjects.flatMap(({ name, case: of, rounds, latency, stages, extra, memory }) => {
      const bytes = memory.map(({ residentBytes }) => residentBytes / 1e6);
      const values: (readonly [string, number | undefined])[] = [
        ...(['p50', 'p99', 'cpu', 'perSecond'] as const).map(
          (key) => [key, middle(rounds.map((round) => round[key] ?? Number.NaN))] as const,
        ),
        ...(['p90', 'p999', 'max'] as const).map((key) => [key, latency[key]] as const),
        ['operations', 70_000],
        ['failures', 0],
        ['rounds', 7],
        ...stages.map((stage) => [`time in ${stage.name}`, stage.micros] as const),
        ...extra.map((figure) => [figure.name, figure.value] as const),
        ['memory at first', bytes[0]],
        ['memory at most', Math.max(...bytes)],
        ['memory at last', bytes.at(-1)],
      ];
      return values.map(([figure, value]) => [`${name} | ${of} | ${figure}`, value] as const);
    }),
  );
}

for (const scheme of ['light', 'dark']) {
  test(`${scheme}: the charts are drawn, nothing is fetched, nothing complains`, { skip }, async (t) => {
    const result = benchResult();
    const { page, url } = await shown(resultPage(result), scheme);
    const charts = (await page.evaluate(readCharts)) as Canvas[];
    const described = chartsOf(result);
    t.equal(charts.length, described.length);
    t.equal(charts.length, 5, 'latency of two cases, stages, growth, memory');
    for (const [index, { inked, series, colors }] of charts.entries()) {
      const { title, series: wanted } = described[index] ?? { title: '', series: [] };
      t.ok(inked > 1000, `${title}: the canvas is not blank`);
      t.same(series.toSorted(), wanted.map(({ name }) => name).toSorted(), `${title}: the legend names each series`);
      t.equal(colors.length, wanted.length, `${title}: each series is on the canvas in its colour`);
    }
    t.same(complaints(page), []);
    t.same(requested(page), [url]);
  });
}

test('the tables hold exactly the figures of the result', { skip }, async (t) => {
  const result = benchResult();
  const { page } = await shown(resultPage(result));
  const cells = (await page.evaluate(readFigures)) as Cell[];
  const found = new Map(cells.map(({ subject, of, figure, value }) => [`${subject} | ${of} | ${figure}`, value]));
  t.same(found, expectedFigures(result));
  for (const { figure, value, text } of cells) {
    t.ok(Math.abs(Number(text.replaceAll(',', '')) - value) <= value / 100, `${figure}: ${text} is ${value}, rounded`);
  }
});

test('the licence of the charts goes along, as it asks', { skip }, async (t) => {
  const { page } = await shown(resultPage(benchResult()));
  const text = await page.evaluate(`document.querySelector('footer pre').textContent`);
  t.match(text, /The MIT License[^]*Copyright \(c\) 2022 Leon Sorokin[^]*shall be included in\nall copies/);
});

test('charts follow the width of the page', { skip }, async (t) => {
  const { page } = await shown(resultPage(benchResult()));
  const widths = `Promise.resolve().then(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))).then(
    () => [...document.querySelectorAll('figure')].map((figure) => [figure.clientWidth, figure.querySelector('.u-wrap').offsetWidth]),
  )`;
  for (const width of [1300, 1000, 600, 360]) {
    await page.send('Emulation.setDeviceMetricsOverride', { width, height: 800, deviceScaleFactor: 2, mobile: false });
    const found = (await page.evaluate(widths)) as [place: number, chart: number][];
    t.same(
      found.map(([, chart]) => chart),
      found.map(([place]) => place),
      `each chart is as wide as its place in ${width} pixels`,
    );
  }
  t.same(complaints(page), []);
});

test('rates become a curve of rate against p99', { skip }, async (t) => {
  const subjects = [500, 1000, 2000].flatMap((rate) =>
    ['direct', 'portcullis'].map((name, index) =>
      benchSubject({ name, case: `${rate} per second`, stages: [], memory: [] }, (index + 1) * (100 + rate / 10)),
    ),
  );
  const { page } = await shown(resultPage(benchResult({ command: 'proxy', subjects })));
  const titles = await page.evaluate(`[...document.querySelectorAll('.charts h3')].map((each) => each.textContent)`);
  t.same(titles, [...[500, 1000, 2000].map((rate) => `Latency, ${rate} per second`), 'Rate against p99']);
  const charts = (await page.evaluate(readCharts)) as Canvas[];
  t.equal(charts.at(-1)?.colors.length, 2);
  t.same(complaints(page), []);
});

test('what was measured is text, whatever its name is', { skip }, async (t) => {
  const hostile = `</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"'&\u2028<!--`;
  const subjects = [
    benchSubject(
      { name: hostile, case: hostile, about: hostile, extra: [{ name: hostile, value: 1, unit: hostile }] },
      3,
    ),
    benchSubject({ name: 'b', case: hostile, stages: [{ name: hostile, micros: 2 }] }, 4),
  ];
  const { page, url } = await shown(resultPage(benchResult({ subjects, scenario: hostile, notes: [hostile] })));
  t.equal(await page.evaluate('document.title'), `bench policy: ${hostile.trim()}`);
  t.equal(await page.evaluate(`document.querySelectorAll('img, iframe, object, [onerror]').length`), 0);
  t.equal(await page.evaluate(`document.querySelector('.figures tbody th').firstChild.textContent`), hostile);
  t.ok(((await page.evaluate(readCharts)) as Canvas[]).every(({ inked }) => inked > 1000));
  t.same(complaints(page), []);
  t.same(requested(page), [url]);
});

test('the policy of the page stops a script that is not its own', { skip }, async (t) => {
  const foreign = resultPage(benchResult()).replace(
    '</main>',
    `<script>document.title = 'owned'</script><img src="x.png"></main>`,
  );
  const { page } = await shown(foreign);
  t.not(await page.evaluate('document.title'), 'owned');
  t.ok(complaints(page).length > 0, 'so that the tests above would have seen a violation');
});

test('it can be read by those who see no charts, and printed', { skip }, async (t) => {
  const { page } = await shown(resultPage(benchResult()), 'dark');
  const { nodes } = (await page.send('Accessibility.getFullAXTree')) as {
    nodes: { role?: { value: string }; name?: { value: string }; ignored: boolean }[];
  };
  const images = nodes.filter(({ role, ignored }) => !ignored && (role?.value === 'image' || role?.value === 'img'));
  t.same(
    images.map(({ name }) => name?.value),
    chartsOf(benchResult()).map(({ title, text }) => `${title}. ${text}`),
  );
  t.ok(nodes.some(({ role, name }) => role?.value === 'rowheader' && name?.value.startsWith('stock SDK')));
  const ink = `getComputedStyle(document.body).backgroundColor`;
  t.equal(await page.evaluate(ink), 'rgb(18, 22, 28)', 'dark for the eyes');
  await page.evaluate(`addEventListener('beforeprint', () => { globalThis.printed = ${ink}; })`);
  const { data } = await page.send('Page.printToPDF', { printBackground: true });
  t.match(Buffer.from(String(data), 'base64').subarray(0, 5).toString(), '%PDF-');
  t.equal(await page.evaluate('printed'), 'rgb(255, 255, 255)', 'white on paper');
  t.equal(await page.evaluate(ink), 'rgb(18, 22, 28)', 'and dark again');
  t.same(complaints(page), []);
});

test('the browser ends', { skip }, async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});
