import { integer, numberOf } from '../../value/number.ts';

const decimal = /^(-?)(\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** As `value/number.ts` allows. */
const maxDigits = 10_000;

/** A number that a policy names: exact when it is an integer in whatever notation (1e30, 1.5e3), which OPA computes with. */
export function readNumber(text: string): number | bigint | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = decimal.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+(?=\d)/, '');
  if (digits === '') return undefined;
  const zeros = Number(exponent) - fraction.length;
  if (zeros < 0 || digits.length + zeros > maxDigits) return numberOf(text);
  return integer(BigInt(`${sign}${digits}${'0'.repeat(zeros)}`));
}
