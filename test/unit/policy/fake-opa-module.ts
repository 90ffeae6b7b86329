/**
 * A WebAssembly module that looks like one of OPA's, with a body of one's own for `opa_eval`: what a compiler of OPA would never
 * make, and a stranger might. Instructions are bytes; https://webassembly.github.io/spec/core/binary
 */
export function fakeOpaModule(made: FakeModule): Uint8Array<ArrayBuffer> {
  const { evaluate, texts = {}, start, imports = [importMemory()] } = made;
  const functions: readonly FakeFunction[] = [
    ['opa_malloc', 1, constant(1024)],
    ['opa_json_parse', 2, constant(8)],
    ['opa_json_dump', 1, made.dump ?? [0x20, 0]],
    ['opa_value_dump', 1, [0x20, 0]],
    ['opa_value_parse', 2, constant(8)],
    ['opa_heap_ptr_get', 0, constant(4096)],
    ['opa_heap_ptr_set', 1, constant(0)],
    ['builtins', 0, constant(64)],
    ['entrypoints', 0, constant(16)],
    ['opa_eval', 7, evaluate],
  ];
  const data = Object.entries({ 16: '{"test/decision":0}', 64: '{}', ...texts });
  return Uint8Array.from([
    ...header,
    // Each function has a type of its own: so many integers, one integer back. The last type takes and gives nothing.
    ...section(1, [
      ...functions.map(([, params]) => [0x60, ...vector(Array(params).fill([i32])), 1, i32]),
      [0x60, 0, 0],
    ]),
    ...section(2, imports),
    ...section(
      3,
      [...functions, ...(start === undefined ? [] : [start])].map((_one, index) => [index]),
    ),
    ...section(
      6,
      [1, 2].map((version) => [i32, 0, ...constant(version), end]),
    ),
    ...section(7, [
      ...functions
        .filter(([exported]) => exported !== made.globalInsteadOf)
        .map(([exported], index) => [...name(exported), 0, index]),
      ...(made.globalInsteadOf === undefined ? [] : [[...name(made.globalInsteadOf), 3, 0]]),
      [...name('opa_wasm_abi_version'), 3, 0],
      [...name('opa_wasm_abi_minor_version'), 3, 1],
    ]),
    ...(start === undefined ? [] : [8, ...sized([functions.length])]),
    ...section(
      10,
      [...functions.map(([, , body]) => body), ...(start === undefined ? [] : [start])].map((body) =>
        sized([0, ...body, end]),
      ),
    ),
    ...section(
      11,
      data.map(([at, text]) => [
        0,
        ...constant(Number(at)),
        end,
        ...vector([...Buffer.from(`${text}\0`)].map((byte) => [byte])),
      ]),
    ),
  ]);
}

export type FakeModule = {
  readonly evaluate: readonly number[];
  /** What lies in memory, by address; each ends with a NUL. At 16 the entrypoints, at 64 the built-ins that it needs. */
  readonly texts?: Readonly<Record<number, string>>;
  /** Where it says that the text of a value begins; it is the address of the value itself otherwise. */
  readonly dump?: readonly number[];
  /** What runs when it is instantiated. */
  readonly start?: readonly number[];
  /** Instead of the memory alone. */
  readonly imports?: readonly (readonly number[])[];
  /** A function that it exports under its name only as a number; the last ones, so that the others keep their index. */
  readonly globalInsteadOf?: 'opa_eval';
};

type FakeFunction = readonly [name: string, params: number, body: readonly number[]];

/** The magic number and version 1. */
const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const i32 = 0x7f;
const end = 0x0b;
/** opa_eval is the last of the ten. */
export const callItself = [...Array.from({ length: 7 }, (_, param) => [0x20, param]).flat(), 0x10, 9];
export const trap = [0x00];
export const loopForEver = [0x03, 0x40, 0x0c, 0, 0x0b, 0x00];
/** Of `from.what`, which is a function without parameters and results, or a number. */
export const importOf = (from: string, what: string, kind: 'function' | 'global'): readonly number[] => [
  ...name(from),
  ...name(what),
  ...(kind === 'function' ? [0, 10] : [3, i32, 0]),
];
export const importMemory = (pages = 1): readonly number[] => [
  ...name('env'),
  ...name('memory'),
  2,
  0,
  ...unsigned(pages),
];
/** Grows memory by a page until that fails, and then traps. */
export const growForEver = [0x03, 0x40, ...constant(1), 0x40, 0, ...constant(-1), 0x47, 0x0d, 0, end, 0x00];

export function constant(value: number): readonly number[] {
  const bytes = [0x41];
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 0x7f;
    if (rest >> 6 === 0 || rest >> 6 === -1) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

const section = (id: number, items: readonly (readonly number[])[]): readonly number[] => [id, ...sized(vector(items))];

const vector = (items: readonly (readonly number[])[]): readonly number[] => [
  ...unsigned(items.length),
  ...items.flat(),
];

const sized = (bytes: readonly number[]): readonly number[] => [...unsigned(bytes.length), ...bytes];

const name = (text: string): readonly number[] => vector([...Buffer.from(text)].map((byte) => [byte]));

function unsigned(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
