import { readdirSync, readFileSync } from 'node:fs';

/** Text with one character per byte, or a list of texts; a part that repeats is written once. */
type Part = string | { readonly repeat: string; readonly times: number };

/** One response as it comes over the wire, and what must become of it. */
export type ResponseVector = {
  readonly name: string;
  /** The RFC section that says what is right; behind it the advisory or THREATS row that shows why it matters. */
  readonly ref: string;
  /** Of the request that it answers; GET where it is not given. */
  readonly method?: string;
  readonly bytes: Part | readonly Part[];
  /** `until-close`: whole once its connection has ended. */
  readonly expect: 'malformed' | 'until-close' | ExpectedResponse;
};

type ExpectedResponse = {
  readonly status: number;
  /** Name, value, name, value, as sent. */
  readonly headers: readonly (string | { readonly repeat: readonly string[]; readonly times: number })[];
  readonly body: Part | readonly Part[];
  /** True when its connection ends with it. */
  readonly last?: boolean;
};

export type ResponseVectorGroup = {
  readonly name: string;
  readonly about: string;
  readonly vectors: readonly ResponseVector[];
};

export function loadResponseVectors(): readonly ResponseVectorGroup[] {
  const folder = new URL('../vectors/http1-responses/', import.meta.url);
  return readdirSync(folder).map((file) => {
    const group = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Omit<ResponseVectorGroup, 'name'>;
    return { ...group, name: file.slice(0, -'.json'.length) };
  });
}

export function textOf(parts: Part | readonly Part[]): string {
  const list = typeof parts === 'object' && !('repeat' in parts) ? parts : [parts];
  return list.map((part) => (typeof part === 'string' ? part : part.repeat.repeat(part.times))).join('');
}

export function fieldsOf({ headers }: ExpectedResponse): readonly string[] {
  return headers.flatMap((part) =>
    typeof part === 'string' ? [part] : Array.from({ length: part.times }, () => part.repeat).flat(),
  );
}
