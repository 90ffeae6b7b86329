import { resolve } from 'node:path';
import { type Arguments, type Command, type Io, type Option, UsageError, valueOf } from './command.ts';

/** Where a result goes: of every command that measures. */
export const outputOptions: readonly Option[] = [
  { name: 'json', value: 'FILE', help: 'write the result there; - prints it instead of the table' },
  { name: 'html', value: 'FILE', help: 'write a page with charts there' },
];

export const interruptedExitCodes: Command['exitCodes'] = { 130: 'SIGINT ended it', 143: 'SIGTERM ended it' };

export function readOutputs(args: Arguments, io: Io) {
  const file = (name: string) => {
    const value = valueOf(args, name);
    return value === undefined || value === '-' ? value : resolve(io.cwd, value);
  };
  return { json: file('json'), html: file('html') };
}

/** Throws UsageError. */
export function wholeNumber(name: string, text: string, most: number, orSeveral = ''): number {
  const number = /^[1-9][0-9]{0,8}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (number <= most) return number;
  throw new UsageError(`--${name} is a whole number from 1 to ${most}${orSeveral}, not '${text}'`);
}

/** The same of a list. Throws UsageError. */
export function wholeNumbers(name: string, text: string, most: number): readonly number[] {
  return text.split(',').map((each) => wholeNumber(name, each, most, ', or several with commas between'));
}
