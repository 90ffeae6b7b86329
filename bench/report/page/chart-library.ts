import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** uPlot as text, for a page that must not fetch anything. */
export type ChartLibrary = { readonly script: string; readonly style: string; readonly licence: string };

export function readChartLibrary(): ChartLibrary {
  const script = fileURLToPath(import.meta.resolve('uplot/dist/uPlot.iife.min.js'));
  return {
    script: readFileSync(script, 'utf8'),
    style: readFileSync(script.replace('uPlot.iife.min.js', 'uPlot.min.css'), 'utf8'),
    licence: readFileSync(fileURLToPath(import.meta.resolve('uplot/LICENSE')), 'utf8'),
  };
}
