import { type Builtin, type BuiltinContext, BuiltinError } from '../builtins/builtin.ts';
import { refuseCryptography, refuseMissing } from '../builtins/refused.ts';
import { builtinNames, findBuiltin } from '../builtins/registry.ts';
import type { RequiredBuiltin } from '../bundle/bundle.ts';
import { EvaluationError } from '../engine.ts';
import { PolicyError } from '../errors.ts';
import { readValue } from '../value/read-text.ts';
import { valueText } from '../value/text.ts';
import type { Value } from '../value/value.ts';
import type { EngineSettings } from './settings.ts';

/** The functions of OPA's ABI 1 that this file calls; https://www.openpolicyagent.org/docs/wasm */
type Exports = {
  readonly opa_malloc: (bytes: number) => number;
  readonly opa_json_dump: (value: number) => number;
  /** The notation of `value/text.ts`: JSON would lose which arrays are sets. */
  readonly opa_value_dump: (value: number) => number;
  readonly opa_value_parse: (address: number, bytes: number) => number;
  readonly builtins: () => number;
  readonly entrypoints: () => number;
};

/** What a policy module may import; `memory` is OPA's, the functions are answered below. */
const importNames = ['abort', 'println', 'builtin0', 'builtin1', 'builtin2', 'builtin3', 'builtin4'].map(
  (n) => `opa_${n}`,
);
const exportNames = [
  'opa_malloc',
  'opa_heap_ptr_get',
  'opa_heap_ptr_set',
  'opa_json_parse',
  'opa_json_dump',
  'opa_value_dump',
  'opa_value_parse',
  'opa_eval',
  'builtins',
  'entrypoints',
];

/** Refuses what OPA did not make, naming the first thing that is wrong. Throws PolicyError. */
export function requireOpaModule(module: WebAssembly.Module): void {
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    const offered = name === 'memory' ? 'memory' : importNames.includes(name) ? 'function' : undefined;
    if (from !== 'env' || kind !== offered) {
      const what = `the ${kind} ${from}.${name}`;
      throw new PolicyError('wasm-invalid', `the compiled policy imports ${what}, which OPA's modules do not`);
    }
  }
  const functions = WebAssembly.Module.exports(module).filter(({ kind }) => kind === 'function');
  const exported = new Set(functions.map(({ name }) => name));
  const missing = exportNames.find((name) => !exported.has(name));
  if (missing !== undefined) {
    throw new PolicyError('wasm-invalid', `the compiled policy lacks ${missing}, which OPA's modules export`);
  }
}

/**
 * The host side of one instance. It replaces the SDK's own, which throws bare strings, prints to standard output, and
 * lets its built-ins take precedence over the caller's. `bind` must be called with the instance before it evaluates.
 */
export function hostImports(
  memory: WebAssembly.Memory,
  context: BuiltinContext,
  required: readonly RequiredBuiltin[],
  cryptography: EngineSettings['cryptography'],
): { readonly imports: WebAssembly.Imports; readonly bind: (instance: WebAssembly.Instance) => void } {
  const readText = textReader(memory);
  let exports: Exports | undefined;
  let builtins: ReadonlyMap<number, Builtin | undefined> = new Map();

  const call = (id: number, _evaluation: number, ...addresses: readonly number[]): number => {
    const builtin = builtins.get(id);
    if (exports === undefined || builtin === undefined) throw new EvaluationError(`no built-in ${id}`);
    const { opa_value_dump } = exports;
    const operands = addresses.map((address) => readOperand(readText(opa_value_dump(address))));
    const answer = orUndefined(() => builtin(context, ...operands));
    // Address 0 is OPA's undefined.
    return answer === undefined ? 0 : writeValue(memory, exports, answer);
  };
  const abort = (address: number): never => {
    throw new EvaluationError(`the policy was aborted: ${readText(address)}`);
  };
  const functions = importNames.map((name) => [name, name.startsWith('opa_builtin') ? call : undefined] as const);
  const env = {
    ...Object.fromEntries(functions),
    memory,
    opa_abort: abort,
    // The compiler removes print statements; what a foreign module prints has no place on our standard output.
    opa_println: () => undefined,
  };
  const bind = (instance: WebAssembly.Instance): void => {
    exports = instance.exports as unknown as Exports;
    const ids = listed(instance, memory, 'builtins');
    refuseMissing([...ids.keys()], (name) => builtinNames.has(name), required);
    // By what the module itself lists, which is all that it can call: a plan may be missing beside it, or be that of another.
    if (cryptography === 'refused') refuseCryptography([...ids.keys()].map((name) => ({ name, where: '' })));
    builtins = new Map([...ids].map(([name, id]) => [id, findBuiltin(name)]));
  };
  return { imports: { env }, bind };
}

/**
 * What a module says of itself, numbers under names. The SDK reads its text without an eye on where the memory ends, and
 * would go on for ever. Throws PolicyError.
 */
export function listed(
  { exports }: WebAssembly.Instance,
  memory: WebAssembly.Memory,
  list: 'builtins' | 'entrypoints',
): ReadonlyMap<string, number> {
  const name = list === 'builtins' ? 'built-ins' : list;
  const invalid = (problem: string) =>
    new PolicyError('wasm-invalid', `the compiled policy cannot be run: its ${name} ${problem}`);
  const { opa_json_dump, [list]: values } = exports as unknown as Exports;
  const address = opa_json_dump(values());
  const isText = address > 0 && Buffer.from(memory.buffer).includes(0, address);
  let numbers: unknown;
  try {
    numbers = JSON.parse(isText ? textReader(memory)(address) : '');
  } catch {
    throw invalid('cannot be read');
  }
  const isList = typeof numbers === 'object' && numbers !== null && !Array.isArray(numbers);
  if (isList && Object.values(numbers as object).every(Number.isInteger)) {
    return new Map(Object.entries(numbers as Record<string, number>));
  }
  throw invalid('are not numbers under names');
}

/** Where a value may not be JSON, or be what JSON.parse cannot read exactly. */
const beyondJson = /[{}]|set\(|[\d.]{16}|\d[eE]|\.(?!\d)|[^\d]\.|^\./;

/** Most operands are texts and lists of texts, which JSON.parse reads ten times faster. */
function readOperand(text: string): Value {
  return beyondJson.test(text) ? readValue(text) : (JSON.parse(text) as Value);
}

/**
 * Reads C strings, of what is too long only the beginning. The view of the memory is kept until the memory grows, which
 * replaces its buffer.
 */
export function textReader(memory: WebAssembly.Memory, maxBytes = Infinity): (address: number) => string {
  let bytes = Buffer.from(memory.buffer);
  return (address) => {
    if (bytes.buffer !== memory.buffer) bytes = Buffer.from(memory.buffer);
    const end = bytes.indexOf(0, address);
    return bytes.toString('utf8', address, Math.min(end === -1 ? bytes.length : end, address + maxBytes));
  };
}

const pageBytes = 65_536;
/** UTF-8 of a UTF-16 code unit. */
const maxBytesPerUnit = 3;

/** A text, or what it is in UTF-8. */
export type Text = string | Uint8Array;

/** Writes texts, for which the memory grows when it must, and gives the number of bytes. */
export function textWriter(memory: WebAssembly.Memory): (address: number, text: Text) => number {
  let bytes = Buffer.from(memory.buffer);
  return (address, text) => {
    if (bytes.buffer !== memory.buffer || address + maxBytesPerUnit * text.length > bytes.length) {
      const missing = address + Buffer.byteLength(text) - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
      bytes = Buffer.from(memory.buffer);
    }
    if (typeof text === 'string') return bytes.write(text, address);
    bytes.set(text, address);
    return text.length;
  };
}

function writeValue(memory: WebAssembly.Memory, { opa_malloc, opa_value_parse }: Exports, value: Value): number {
  const bytes = new TextEncoder().encode(valueText(value));
  const address = opa_malloc(bytes.byteLength);
  // Only now: allocating may have replaced the buffer.
  new Uint8Array(memory.buffer).set(bytes, address);
  const parsed = opa_value_parse(address, bytes.byteLength);
  if (parsed === 0) throw new EvaluationError("a built-in gave a value that OPA's module cannot read");
  return parsed;
}

/**
 * A built-in that fails makes its call undefined and does not end the evaluation, as in OPA. Strict errors are for the plan engine:
 * most built-ins are compiled into the module, where a failure leaves no trace.
 */
function orUndefined(call: () => Value | undefined): Value | undefined {
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof BuiltinError) return undefined;
    throw thrown;
  }
}
