/** Plans that OPA's compiler does not make: for what only somebody else could write. */

export type Made = { readonly type: string; readonly stmt: object };

const place = { file: 0, row: 1, col: 1 };

export const statement = (type: string, fields: object): Made => ({ type, stmt: { ...place, ...fields } });
export const local = (value: number) => ({ type: 'local', value });
export const word = (index: number) => ({ type: 'string_index', value: index });

type MadePlan = {
  /** What each entrypoint does. */
  readonly entrypoints: Readonly<Record<string, readonly Made[]>>;
  /** Functions of the input (local 0) and the data (local 1), which give back local 2. */
  readonly functions?: Readonly<Record<string, readonly Made[]>>;
  readonly words?: readonly string[];
  readonly builtins?: readonly string[];
};

export function planOf({ entrypoints, functions = {}, words = [], builtins = [] }: MadePlan): string {
  const values = (all: readonly string[]) => all.map((value) => ({ value }));
  const decl = { args: [{ type: 'any' }], result: { type: 'any' } };
  return JSON.stringify({
    static: {
      strings: values(words),
      files: values(['made.rego']),
      builtin_funcs: builtins.map((name) => ({ name, decl })),
    },
    plans: { plans: Object.entries(entrypoints).map(([name, stmts]) => ({ name, blocks: [{ stmts }] })) },
    funcs: {
      funcs: Object.entries(functions).map(([name, stmts]) => ({
        name,
        params: [0, 1],
        return: 2,
        blocks: [{ stmts }],
      })),
    },
  });
}
