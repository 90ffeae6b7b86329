import { isDecimalMultiple } from '../json/number.ts';
import { areUnique, membership } from './equality.ts';

/** Keywords whose implementation in ajv is quadratic, throws on crafted members, or computes in binary fractions. */
export const replacedKeywords = [
  {
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    error: { message: 'must not contain equal items' },
    compile: (wanted: boolean) => (wanted ? areUnique : () => true),
  },
  {
    keyword: 'enum',
    schemaType: 'array',
    error: { message: 'must be one of the listed values' },
    compile: (allowed: readonly unknown[]) => membership(allowed),
  },
  {
    keyword: 'const',
    error: { message: 'must be the one listed value' },
    compile: (allowed: unknown) => membership([allowed]),
  },
  {
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    error: { message: 'must be a multiple of the listed number' },
    compile: (divisor: number) => (value: number) => isDecimalMultiple(value, divisor),
  },
] as const;
