import type { PolicyBundle } from '../../policy/bundle/bundle.ts';
import { openEngine } from '../../policy/engines/select.ts';
import type { EngineSettings } from '../../policy/engines/settings.ts';
import { PolicyError } from '../../policy/errors.ts';
import { buildInput, type PolicyInput } from '../../policy/input.ts';
import type { Stage } from '../result.ts';
import { timed, type Turn, Unable } from '../subject.ts';
import { answerText, resultOf } from './answer.ts';
import { factsOf } from './facts.ts';
import { stagesOf } from './stages.ts';
import { openStockSdk } from './stock-sdk.ts';

// A process that decides with one engine and is told what to do by the one that compares: what one engine has compiled,
// allocated or left to the collector is no other's cost, and memory and processor time have one owner each.

export type Opening = {
  readonly engine: 'stock' | 'plan' | 'wasm';
  readonly bundle: PolicyBundle;
  readonly settings: EngineSettings;
  readonly inputs: readonly unknown[];
};

export type Asked =
  | ({ readonly do: 'open' } & Opening)
  | { readonly do: 'answers' | 'stages' }
  | { readonly do: 'turn'; readonly times: number };

export type Told =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly message: string;
      /** Of the policy's own catalogue, where the mistake is in the policy. */
      readonly code?: PolicyError['code'] | undefined;
      readonly input?: number | undefined;
    };

type Decider = {
  readonly answers: () => readonly string[];
  readonly turn: (times: number) => Turn;
  readonly stages: () => Promise<readonly Stage[]>;
};

let decider: Decider | undefined;

process.on('message', (asked: Asked) => void tell(asked));
process.on('disconnect', () => process.exit());

async function tell(asked: Asked): Promise<void> {
  const told = await answer(asked).then(
    (value): Told => ({ ok: true, value }),
    (thrown: unknown): Told => failure(thrown),
  );
  process.send?.(told);
}

async function answer(asked: Asked): Promise<unknown> {
  if (asked.do === 'open') {
    decider = await open(asked);
    return undefined;
  }
  if (decider === undefined) throw new Error('nothing was opened');
  return asked.do === 'turn' ? decider.turn(asked.times) : decider[asked.do]();
}

async function open({ engine, bundle, settings, inputs: documents }: Opening): Promise<Decider> {
  const found = documents.map(factsOf);
  const facts = found.every((one) => one !== undefined) ? found : undefined;
  const inputs = facts?.map((one) => buildInput(one)) ?? (documents as readonly PolicyInput[]);
  const decide = engine === 'stock' ? await openStockSdk(bundle) : await openOurs(bundle, { ...settings, engine });
  return {
    answers: () => inputs.map((input, index) => answered(decide, input, index)),
    turn: (times) => {
      const before = process.cpuUsage();
      const micros = timed(inputs, times, decide);
      const { user, system } = process.cpuUsage(before);
      return { micros, cpuMicros: user + system, residentBytes: process.memoryUsage.rss() };
    },
    stages: async () => (engine === 'stock' ? [] : stagesOf({ engine, bundle, settings, inputs, facts })),
  };
}

type Decide = (input: PolicyInput) => unknown;

/** Without its cache: the same inputs come again and again. */
async function openOurs(bundle: PolicyBundle, settings: EngineSettings): Promise<Decide> {
  return (await openEngine(bundle, { ...settings, cache: undefined })).decide;
}

function answered(decide: Decide, input: PolicyInput, index: number): string {
  try {
    return answerText(resultOf(decide(input)));
  } catch (thrown) {
    throw new Unable(messageOf(thrown), index);
  }
}

function failure(thrown: unknown): Told {
  const message = messageOf(thrown);
  if (thrown instanceof PolicyError) return { ok: false, message, code: thrown.code };
  return { ok: false, message, input: thrown instanceof Unable ? thrown.input : undefined };
}

/** The SDK throws bare strings and plain objects. */
function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  if (typeof thrown === 'string') return thrown;
  const { message } = (thrown ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : 'something that is no error was thrown';
}
