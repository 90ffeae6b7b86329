// Runs in the reader's browser, inlined into the page behind uPlot: draws what `charts.ts` prepared.
(() => {
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const root = document.documentElement;
  // Okabe and Ito's colours, which people with any colour vision tell apart, a little darker where the paper is white.
  const colors = {
    light: ['#0072b2', '#c04a00', '#00805f', '#a8327f', '#8a6d00', '#2b8cbe', '#444444', '#7a5195'],
    dark: ['#56b4e9', '#ff8c42', '#2fc99a', '#e38cc0', '#f0e442', '#8ecae6', '#cccccc', '#b79ced'],
  };
  const dashes = [[], [8, 4], [2, 3], [12, 4, 2, 4]];
  const prefersDark = matchMedia('(prefers-color-scheme: dark)');
  const drawn = new Map();

  const isDark = () => prefersDark.matches && root.dataset.paper === undefined;
  const variable = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const share = (nines) => `${+(100 * (1 - 10 ** -nines)).toPrecision(Math.max(2, Math.floor(nines) + 2))} %`;
  const number = (value) => (value >= 1000 ? Math.round(value).toLocaleString('en') : String(+value.toPrecision(3)));
  const median = 0.30103;

  /** Layers of stacked bars are drawn from the total down, each over the one that holds it. */
  function stacked(chart) {
    const sums = chart.bars.map(() => 0);
    const layers = chart.series.map(({ points }) => points.map(([bar, value]) => (sums[bar] += value)));
    return [chart.bars.map((_, index) => index), ...layers.toReversed()];
  }

  function joined(chart) {
    return uPlot.join(chart.series.map(({ points }) => [points.map(([x]) => x), points.map(([, y]) => y)]));
  }

  const isFew = ({ bars }) => bars.length < 6;
  const labelSize = (chart) =>
    isFew(chart) ? 64 : 30 + Math.min(240, 7 * Math.max(...chart.bars.map((name) => name.length)));

  function axis({ label, scale }, chart, isX) {
    const common = {
      label,
      labelSize: label === '' ? 0 : 20,
      stroke: variable('--faint'),
      grid: { stroke: variable('--line'), width: 1 },
      ticks: { stroke: variable('--line'), width: 1 },
      font: '12px system-ui, "DejaVu Sans", sans-serif',
      labelFont: '12px system-ui, "DejaVu Sans", sans-serif',
      size: isX ? 40 : 64,
    };
    if (scale === 'share') {
      const most = Math.ceil(Math.max(1, ...chart.series.flatMap(({ points }) => points.map(([, y]) => y))));
      const splits = [0, median, ...Array.from({ length: most }, (_, index) => index + 1)];
      return { ...common, splits: () => splits, values: (_, shown) => shown.map(share) };
    }
    if (isX && chart.bars !== undefined) {
      // A few names fit below their bars in lines; many have to stand on end.
      const lines = (text) => text.replaceAll(/, | (?=\S{9,})/g, (found) => `${found.trim()}\n`);
      return {
        ...common,
        size: labelSize(chart),
        rotate: isFew(chart) ? 0 : -90,
        grid: { show: false },
        splits: () => chart.bars.map((_, index) => index),
        values: () => chart.bars.map((name) => (isFew(chart) ? lines(name) : name)),
      };
    }
    const powers = (_, shown) => shown.map((value) => (value === null ? null : number(value)));
    return { ...common, values: scale === 'log' ? powers : (_, shown) => shown.map(number) };
  }

  function scaleOf({ scale }, chart, isX) {
    if (isX && chart.bars !== undefined) return { time: false, range: [-0.6, chart.bars.length - 0.4] };
    if (scale === 'log') return { time: false, distr: 3 };
    return isX ? { time: false } : { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] };
  }

  function seriesOf(chart) {
    const palette = colors[isDark() ? 'dark' : 'light'];
    const text = chart.y.scale === 'share' ? share : number;
    const value = (_, y) => (y === null || y === undefined ? '' : text(y));
    const color = (index) => palette[index % palette.length];
    if (chart.bars !== undefined) {
      const paths = uPlot.paths.bars({ size: [0.7, 80] });
      // Cumulated values would mislead in the legend: the table has each stage.
      return chart.series
        .map(({ name }, i) => ({
          label: name,
          stroke: color(i),
          fill: color(i),
          paths,
          points: { show: false },
          value: () => '',
        }))
        .toReversed();
    }
    return chart.series.map(({ name, points }, index) => ({
      label: name,
      stroke: color(index),
      width: 2,
      dash: dashes[Math.floor(index / palette.length + index) % dashes.length],
      spanGaps: true,
      points: { show: points.length < 12 },
      value,
    }));
  }

  function draw(chart, place) {
    drawn.get(place)?.destroy();
    const width = root.dataset.paper === undefined ? place.clientWidth : 640;
    const options = {
      width: Math.max(280, width),
      height: 240 + (chart.bars === undefined ? 60 : labelSize(chart)),
      // Room for the upper half of a label that stands at the very top, and for that of a label at the right end.
      padding: [8, 24, 0, 0],
      scales: { x: scaleOf(chart.x, chart, true), y: scaleOf(chart.y, chart, false) },
      axes: [axis(chart.x, chart, true), axis(chart.y, chart, false)],
      series: [
        { label: chart.x.label || 'stage', value: (_, x) => (chart.bars ? '' : x === null ? '' : number(x)) },
        ...seriesOf(chart),
      ],
      cursor: { drag: { x: false, y: false } },
      legend: { live: chart.bars === undefined },
    };
    drawn.set(place, new uPlot(options, chart.bars === undefined ? joined(chart) : stacked(chart), place));
  }

  const drawAll = () => charts.forEach((chart, index) => draw(chart, document.getElementById(`chart-${index}`)));
  drawAll();
  prefersDark.addEventListener('change', drawAll);
  // Not the window's `resize`: columns change when a scroll bar comes or goes, too.
  const widths = new Map();
  const observer = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const known = widths.get(target);
      widths.set(target, contentRect.width);
      const index = Number(target.id.slice('chart-'.length));
      if (known !== undefined && known !== contentRect.width) draw(charts[index], target);
    }
  });
  for (const place of drawn.keys()) observer.observe(place);
  // A canvas is a picture: it has to be drawn anew for white paper and its width.
  const closed = document.querySelectorAll('main details:not([open])');
  const openAll = (open) => closed.forEach((each) => (each.open = open));
  addEventListener('beforeprint', () => {
    root.dataset.paper = '';
    openAll(true);
    drawAll();
  });
  addEventListener('afterprint', () => {
    delete root.dataset.paper;
    openAll(false);
    drawAll();
  });
})();
