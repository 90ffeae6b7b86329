/**
 * The vocabulary in which the audit record is defined. One table gives the TypeScript type of an event, the encoder and
 * the reference page, so that the three cannot drift apart; and what is not in the table is never written, which is
 * how header values, cookies and bodies stay out (AU-3(3)): there is no place for them.
 */
type Common<Required extends boolean> = { readonly doc: string; readonly required: Required };

/** A string; `maxBytes` bounds its *encoded* length, in which one hostile byte may take six characters (`\u00ff`). */
export type TextField<R extends boolean = boolean> = Common<R> & { readonly kind: 'text'; readonly maxBytes: number };
/** A request target: text in which credentials are masked, see `target.ts`. */
export type TargetField<R extends boolean = boolean> = Common<R> & {
  readonly kind: 'target';
  readonly maxBytes: number;
};
export type NumberField<R extends boolean = boolean> = Common<R> & { readonly kind: 'number' };
export type FlagField<R extends boolean = boolean> = Common<R> & { readonly kind: 'flag' };
export type ChoiceField<R extends boolean = boolean, V extends string = string> = Common<R> & {
  readonly kind: 'choice';
  readonly values: readonly V[];
};
export type GroupField<R extends boolean = boolean, F extends Fields = Fields> = Common<R> & {
  readonly kind: 'group';
  readonly fields: F;
};
// An interface may refer to itself where a type alias may not.
export interface Fields {
  readonly [name: string]: Field;
}
export type Field = TextField | TargetField | NumberField | FlagField | ChoiceField | GroupField;

type ValueOf<F> = F extends { kind: 'number' }
  ? number
  : F extends { kind: 'flag' }
    ? boolean
    : F extends { kind: 'choice'; values: readonly (infer V)[] }
      ? V
      : F extends { kind: 'group'; fields: infer G extends Fields }
        ? EventOf<G>
        : string;

/** The event a table of fields describes. */
export type EventOf<T extends Fields> = {
  readonly [K in keyof T as T[K] extends { required: true } ? K : never]: ValueOf<T[K]>;
} & {
  // `undefined` is welcome: the caller hands on what it knows, and what it does not know is left out of the line.
  readonly [K in keyof T as T[K] extends { required: true } ? never : K]?: ValueOf<T[K]> | undefined;
};

const DEFAULT_TEXT_BYTES = 512;

export const text = (doc: string, maxBytes = DEFAULT_TEXT_BYTES): TextField<false> => ({
  kind: 'text',
  required: false,
  doc,
  maxBytes,
});
export const target = (doc: string, maxBytes: number): TargetField<false> => ({
  kind: 'target',
  required: false,
  doc,
  maxBytes,
});
export const number = (doc: string): NumberField<false> => ({ kind: 'number', required: false, doc });
export const flag = (doc: string): FlagField<false> => ({ kind: 'flag', required: false, doc });
export const choice = <const V extends string>(doc: string, values: readonly V[]): ChoiceField<false, V> => ({
  kind: 'choice',
  required: false,
  doc,
  values,
});
export const group = <F extends Fields>(doc: string, fields: F): GroupField<false, F> => ({
  kind: 'group',
  required: false,
  doc,
  fields,
});
export const required = <F extends Field>(field: F): Omit<F, 'required'> & { readonly required: true } => ({
  ...field,
  required: true,
});
