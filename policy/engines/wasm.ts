import { createRequire } from 'node:module';
import type * as Sdk from '@open-policy-agent/opa-wasm';
import { refuseImpure } from '../builtins/refused.ts';
import type { PolicyBundle } from '../bundle/bundle.ts';
import { EvaluationError, type Mark, type PolicyEngine } from '../engine.ts';
import { entrypointMissing } from '../entrypoint-missing.ts';
import { PolicyError } from '../errors.ts';
import type { PolicyInput } from '../input.ts';
import { inputReads } from '../input-reads.ts';
import { requestTime } from './request-time.ts';
import { inputWriter } from './input-writer.ts';
import { wholeText } from './projection.ts';
import { maxResultSize } from './plan/plain-json.ts';
import { readResult } from './result.ts';
import type { EngineSettings } from './settings.ts';
import { hostImports, listed, requireOpaModule, type Text, textReader, textWriter } from './wasm-host.ts';

// Required, because the class that speaks OPA's ABI is no named export of the package's ES module.
const { LoadedPolicy } = createRequire(import.meta.url)('@open-policy-agent/opa-wasm') as typeof Sdk;

export type WasmOptions = {
  /** The memory of an instance cannot grow past this; an evaluation that needs more is cut short. */
  readonly maxMemoryBytes?: number;
  /** An instance that has grown by more since it was loaded is replaced: its memory never shrinks. */
  readonly recycleGrowthBytes?: number;
  readonly cryptography?: EngineSettings['cryptography'];
  /** Told while WebAssembly holds the thread, so that somebody else can end what does not end. */
  readonly mark?: Mark;
};

export const wasmMemoryBytes = 256 * 1024 * 1024;

const unmarked: Mark = { enter: () => undefined, leave: () => undefined };

const defaults = {
  maxMemoryBytes: wasmMemoryBytes,
  recycleGrowthBytes: 16 * 1024 * 1024,
  cryptography: 'allowed',
  mark: unmarked,
} satisfies WasmOptions;

const pageBytes = 65_536;
const firstPages = 5;
/** What host built-ins may do for one decision, about 25 ms. Inside of the module only the watchdog stops a policy. */
const builtinSteps = 500_000;

/** Evaluates texts: input in JSON or the notation of `value/text.ts` (undefined: no input), results in that notation. */
export type WasmPolicy = {
  /** Throws EvaluationError. */
  readonly evaluate: (input: Text | undefined, unixMs: number | undefined) => string;
};

type OpaEval = (
  reserved: 0,
  entrypoint: number,
  data: number,
  input: number,
  inputBytes: number,
  heap: number,
  format: typeof valueFormat,
) => number;

/** So that a larger result is seen to be too large, though not read whole: a character has up to four bytes. */
const maxResultBytes = 4 * maxResultSize + 4;

/** JSON would give sets in no order. */
const valueFormat = 1;

type Instance = {
  readonly evaluate: (input: Text) => string;
  readonly memory: WebAssembly.Memory;
  /** Size right after the data was loaded. */
  readonly loadedBytes: number;
};

/** Set before each evaluation: all instances of one engine run one after the other. */
type Context = { unixMs: number | undefined; stepsLeft: number; readonly charge: (steps: number) => void };

/** The reference engine behind the port. Throws PolicyError for a policy that cannot work. */
export function wasmEngine(bundle: PolicyBundle, options: WasmOptions = {}): PolicyEngine {
  const policy = openWasm(bundle, options);
  const write = inputWriter(bundle.inputPaths);
  const decide = (input: PolicyInput): unknown => readResult(policy.evaluate(write(input), requestTime(input)));
  return Object.freeze({ revision: bundle.revision, reads: inputReads(bundle.inputPaths), decide });
}

/**
 * OPA's own WebAssembly, loaded by OPA's own JavaScript SDK. Loads the policy once at once, so that what cannot work is
 * refused here and not during a request. Throws PolicyError.
 */
export function openWasm(bundle: PolicyBundle, options: WasmOptions = {}): WasmPolicy {
  const settings = { ...defaults, ...options };
  refuseImpure(bundle.requiredBuiltins);
  const module = compileModule(bundle);
  const data = encode(bundle.data);
  const context: Context = { unixMs: undefined, stepsLeft: 0, charge: (steps) => charge(context, steps) };
  const create = (mark: Mark) => instantiate(module, bundle, data, { ...settings, mark }, context);
  let instance: Instance | undefined = create(settings.mark);

  const evaluate = (input: Text | undefined, unixMs: number | undefined): string => {
    try {
      // Not marked: it copies all data, however long that takes, and does what it did the first time.
      instance ??= create(unmarked);
      context.unixMs = unixMs;
      context.stepsLeft = builtinSteps;
      settings.mark.enter();
      const result = instance.evaluate(input ?? '');
      if (instance.memory.buffer.byteLength - instance.loadedBytes > settings.recycleGrowthBytes) instance = undefined;
      return result;
    } catch (thrown) {
      // An abort leaves the heap as it was at that instruction: the instance is of no further use.
      instance = undefined;
      if (thrown instanceof EvaluationError) throw thrown;
      throw new EvaluationError(`the evaluation failed: ${messageOf(thrown)}`, { cause: thrown });
    } finally {
      settings.mark.leave();
    }
  };
  return Object.freeze({ evaluate });
}

function charge(context: Context, steps: number): void {
  context.stepsLeft -= steps;
  if (context.stepsLeft < 0) throw new EvaluationError('built-ins took more steps than one decision may take');
}

function compileModule({ wasm }: PolicyBundle): WebAssembly.Module {
  try {
    const module = new WebAssembly.Module(wasm);
    requireOpaModule(module);
    return module;
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause;
    throw new PolicyError('wasm-invalid', `the compiled policy is no WebAssembly module: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function instantiate(
  module: WebAssembly.Module,
  bundle: PolicyBundle,
  data: ArrayBuffer,
  settings: Required<WasmOptions>,
  context: Context,
): Instance {
  const { policy, instance, memory, entrypoint } = start(module, bundle, settings, context);
  try {
    policy.setData(data);
  } catch (cause) {
    const size = `${data.byteLength} bytes of data do not fit into ${settings.maxMemoryBytes} bytes of memory`;
    throw new PolicyError('policy-too-large', `${size}: ${messageOf(cause)}`, { cause });
  }
  const opaEval = instance.exports['opa_eval'] as OpaEval;
  const { dataAddr, dataHeapPtr } = policy as { readonly dataAddr: number; readonly dataHeapPtr: number };
  const readText = textReader(memory, maxResultBytes);
  const writeText = textWriter(memory);
  // Not the SDK's own evaluate: it takes the inputs 0, false and "" for none, and asks for JSON.
  const evaluate = (input: Text): string => {
    const bytes = writeText(dataHeapPtr, input);
    return readText(opaEval(0, entrypoint, dataAddr, dataHeapPtr, bytes, dataHeapPtr + bytes, valueFormat));
  };
  return { evaluate, memory, loadedBytes: memory.buffer.byteLength };
}

/** All that runs of a module before there is any data: what does not end here ends nowhere, and is marked. */
function start(module: WebAssembly.Module, bundle: PolicyBundle, settings: Required<WasmOptions>, context: Context) {
  settings.mark.enter();
  try {
    const { instance, memory } = link(module, bundle, settings, context);
    const entrypoints = listed(instance, memory, 'entrypoints');
    const entrypoint = entrypoints.get(bundle.entrypoint);
    if (entrypoint === undefined) {
      throw entrypointMissing(bundle.entrypoint, [...entrypoints.keys()]);
    }
    return { policy: new LoadedPolicy({ module, instance }, memory, abiMinor(instance)), instance, memory, entrypoint };
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause;
    throw new PolicyError('wasm-invalid', `the compiled policy cannot be started: ${messageOf(cause)}`, { cause });
  } finally {
    settings.mark.leave();
  }
}

/** A module says how much memory it needs at least only by failing to link, hence the attempts. */
function link(module: WebAssembly.Module, bundle: PolicyBundle, settings: Required<WasmOptions>, context: Context) {
  const maximum = Math.floor(settings.maxMemoryBytes / pageBytes);
  for (let pages = Math.min(firstPages, maximum); ; pages = Math.min(pages * 2, maximum)) {
    const memory = new WebAssembly.Memory({ initial: pages, maximum });
    const { imports, bind } = hostImports(memory, context, bundle.requiredBuiltins, settings.cryptography);
    try {
      const instance = new WebAssembly.Instance(module, imports);
      bind(instance);
      return { instance, memory };
    } catch (cause) {
      if (!(cause instanceof WebAssembly.LinkError)) throw cause;
      if (pages < maximum) continue;
      throw new PolicyError(
        'policy-too-large',
        `the policy needs more than ${settings.maxMemoryBytes} bytes of memory`,
        {
          cause,
        },
      );
    }
  }
}

/** Below 1.2 an evaluation takes another, slower road through the SDK, which nobody tests any more. */
function abiMinor({ exports }: WebAssembly.Instance): number {
  const [major, minor] = ['opa_wasm_abi_version', 'opa_wasm_abi_minor_version'].map(
    (name) => (exports[name] as { readonly value?: unknown } | undefined)?.value,
  );
  if (major === 1 && typeof minor === 'number' && minor >= 2) return minor;
  throw new PolicyError('wasm-invalid', `the compiled policy speaks ABI ${String(major)}.${String(minor)}, not 1.2`);
}

/** The SDK takes text only as an ArrayBuffer of its own. */
function encode(data: unknown): ArrayBuffer {
  return Uint8Array.from(Buffer.from(wholeText(data), 'utf8')).buffer;
}

/** The SDK throws bare strings and plain objects. */
function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return typeof thrown === 'string' ? thrown : 'something that is no error was thrown';
}
