/** Units as a file may write them, smallest first. */
export const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
export const SIZE_UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

export function durationText(milliseconds: number): string {
  return amountText(milliseconds, DURATION_UNITS);
}

export function sizeText(bytes: number): string {
  return amountText(bytes, SIZE_UNITS);
}

/** In the largest unit that needs no fraction, so that what is printed could be written back. */
function amountText(amount: number, units: Readonly<Record<string, number>>): string {
  const fitting = Object.entries(units).filter(([, unit]) => amount % unit === 0);
  const [name, unit] = fitting.at(-1) ?? ['', 1];
  return amount === 0 ? `0${Object.keys(units)[0]}` : `${amount / unit}${name}`;
}
