import { createRequire } from 'node:module';
import type * as Sdk from '@open-policy-agent/opa-wasm';
import { refuseImpure } from '../builtins/refused.ts';
import type { PolicyBundle } from '../bundle/bundle.ts';
import { EvaluationError, type PolicyEngine } from '../engine.ts';
import { PolicyError } from '../errors.ts';
import type { PolicyInput } from '../input.ts';
import { hostImports, requireOpaModule } from './wasm-host.ts';

// Required, because the class that speaks OPA's ABI is no named export of the package's ES module.
const { LoadedPolicy } = createRequire(import.meta.url)('@open-policy-agent/opa-wasm') as typeof Sdk;

export type WasmLimits = {
  /** The memory of an instance cannot grow past this; an evaluation that needs more is cut short. */
  readonly maxMemoryBytes: number;
  /** An instance that has grown by more since it was loaded is replaced: its memory never shrinks. */
  readonly recycleGrowthBytes: number;
};

const defaults: WasmLimits = { maxMemoryBytes: 256 * 1024 * 1024, recycleGrowthBytes: 16 * 1024 * 1024 };

const pageBytes = 65_536;
const firstPages = 5;

type Instance = {
  readonly policy: InstanceType<typeof LoadedPolicy>;
  readonly memory: WebAssembly.Memory;
  /** Size right after the data was loaded. */
  readonly loadedBytes: number;
};

/** Set before each evaluation: all instances of one engine run one after the other. */
type Context = { unixMs: number | undefined; readonly charge: (steps: number) => void };

/**
 * The reference engine: OPA's own WebAssembly, driven by OPA's own JavaScript SDK. Loads the policy once at once, so
 * that what cannot work is refused here and not during a request. Throws PolicyError.
 */
export function wasmEngine(bundle: PolicyBundle, limits: WasmLimits = defaults): PolicyEngine {
  refuseImpure(bundle.requiredBuiltins);
  const module = compileModule(bundle);
  const data = encode(bundle.data);
  const context: Context = { unixMs: undefined, charge: () => undefined };
  const create = () => instantiate(module, bundle, data, limits, context);
  let instance: Instance | undefined = create();

  const decide = (input: PolicyInput): unknown => {
    try {
      instance ??= create();
      context.unixMs = requestTime(input);
      const result: unknown = instance.policy.evaluate(encode(input), bundle.entrypoint);
      if (instance.memory.buffer.byteLength - instance.loadedBytes > limits.recycleGrowthBytes) instance = undefined;
      return result;
    } catch (thrown) {
      // An abort leaves the heap as it was at that instruction: the instance is of no further use.
      instance = undefined;
      if (thrown instanceof EvaluationError) throw thrown;
      throw new EvaluationError(`the evaluation failed: ${textOf(thrown)}`, { cause: thrown });
    }
  };
  return Object.freeze({ revision: bundle.revision, decide });
}

function compileModule({ wasm }: PolicyBundle): WebAssembly.Module {
  try {
    const module = new WebAssembly.Module(wasm);
    requireOpaModule(module);
    return module;
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause;
    throw new PolicyError('wasm-invalid', `the compiled policy is no WebAssembly module: ${textOf(cause)}`, { cause });
  }
}

function instantiate(
  module: WebAssembly.Module,
  bundle: PolicyBundle,
  data: ArrayBuffer,
  limits: WasmLimits,
  context: Context,
): Instance {
  const { instance, memory } = link(module, bundle, limits, context);
  const policy = new LoadedPolicy({ module, instance }, memory, abiMinor(instance));
  const entrypoints = policy.entrypoints as Record<string, number>;
  if (!Object.hasOwn(entrypoints, bundle.entrypoint)) {
    const known = Object.keys(entrypoints).join(', ');
    throw new PolicyError('entrypoint-missing', `the policy has no ${bundle.entrypoint}, only ${known}`);
  }
  try {
    policy.setData(data);
  } catch (cause) {
    const size = `${data.byteLength} bytes of data do not fit into ${limits.maxMemoryBytes} bytes of memory`;
    throw new PolicyError('policy-too-large', `${size}: ${textOf(cause)}`, { cause });
  }
  return { policy, memory, loadedBytes: memory.buffer.byteLength };
}

/** A module says how much memory it needs at least only by failing to link, hence the attempts. */
function link(module: WebAssembly.Module, bundle: PolicyBundle, limits: WasmLimits, context: Context) {
  const maximum = Math.floor(limits.maxMemoryBytes / pageBytes);
  for (let pages = Math.min(firstPages, maximum); ; pages = Math.min(pages * 2, maximum)) {
    const memory = new WebAssembly.Memory({ initial: pages, maximum });
    const { imports, bind } = hostImports(memory, context, bundle.requiredBuiltins);
    try {
      const instance = new WebAssembly.Instance(module, imports);
      bind(instance);
      return { instance, memory };
    } catch (cause) {
      if (cause instanceof PolicyError) throw cause;
      if (!(cause instanceof WebAssembly.LinkError)) {
        throw new PolicyError('wasm-invalid', `the compiled policy cannot be started: ${textOf(cause)}`, { cause });
      }
      if (pages < maximum) continue;
      throw new PolicyError('policy-too-large', `the policy needs more than ${limits.maxMemoryBytes} bytes of memory`, {
        cause,
      });
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

/** The SDK takes text only as an ArrayBuffer of its own, and a lone surrogate becomes an escape that is ASCII. */
function encode(value: unknown): ArrayBuffer {
  return Uint8Array.from(Buffer.from(JSON.stringify(value), 'utf8')).buffer;
}

/** Read with care: an engine must not fail on an input that lacks a part. */
function requestTime(input: PolicyInput): number | undefined {
  const incomplete: { readonly portcullis?: { readonly time?: { readonly unix_ms?: unknown } } } = input;
  const unixMs = incomplete.portcullis?.time?.unix_ms;
  return typeof unixMs === 'number' ? unixMs : undefined;
}

/** The SDK throws bare strings and plain objects. */
function textOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return typeof thrown === 'string' ? thrown : 'something that is no error was thrown';
}
