import { findConstants } from './constants.ts';
import { generateBlock } from './generate-statement.ts';
import type { Block, Local, Plan, PlanFunction } from './ir.ts';
import { everyStatement, liveLocals, targetOf } from './statements.ts';
import { type FunctionWriter, type ModuleWriter, nested, type Trace, type TracedLine } from './writer.ts';

/** The source of a module, and what it must be given: see `load.ts`. */
export type Generated = {
  readonly source: string;
  readonly constants: readonly unknown[];
  /** In the order in which the module expects the built-ins. */
  readonly builtinNames: readonly string[];
  readonly entrypointNames: readonly string[];
  readonly tracedLines: readonly TracedLine[];
};

export type GenerateOptions = {
  /** Whether scans of data use an index where they can. */
  readonly indexed: boolean;
  /** Whether the module reports the lines of Rego that it reaches, to `reached` and `failedAt` of its environment. */
  readonly traced?: boolean;
};

/**
 * Turns a plan into the body of one JavaScript function that makes the policy. Of `allow if input.role == "admin"` comes,
 * with l0 for input, l1 for data, and other locals by their numbers in the plan:
 *
 *     function f0(l0, l1) {
 *       if (g0 === gen) return m0;                 // remembered for this input
 *       if (--fuel < 0) spent();
 *       let l2, l3, l4;
 *       B0: {                                      // undefined leaves the block
 *         let r1 = l0?.["role"]; if (r1 === undefined && (r1 = other(l0, "role")) === undefined) { break B0; } l4 = r1;
 *         if (!(l4 === "admin")) { break B0; }
 *         l3 = true;
 *       }
 *       ...
 *       g0 = gen; return m0 = l2;
 *     }
 */
export function generatePlan(plan: Plan, { indexed, traced = false }: GenerateOptions = { indexed: true }): Generated {
  const trace: Trace | undefined = traced ? { lines: [], numbers: new Map() } : undefined;
  const module: ModuleWriter = { plan, constants: [], indexed, trace, builtinNames: [], builtinIndex: new Map() };
  const functions = plan.functions.map((called, index) => generateFunction(module, called, index));
  const entrypoints = [...plan.entrypoints.values()].map((blocks, index) => generateEntrypoint(module, blocks, index));
  const remembered = plan.functions.flatMap(({ params }, index) => (params.length === 2 ? [index] : []));
  const source = [
    "'use strict';",
    'const { context, weightOf, stepsOf, bytesOf, failed, makeFunctions, spent, full, reached, failedAt } = environment;',
    'let fuel = 0, room = 0, gen = 0, lastGen = 0;',
    // Not `< 0`, which is false for what is no number.
    'function charge(steps) { if (!((fuel -= steps) >= 0)) spent(); }',
    'function stepsLeft() { return fuel; }',
    'function allocated(value) { if (!((room -= bytesOf(value)) >= 0)) full(); charge(stepsOf(value)); return value; }',
    'const { RegoSet, isArray, isObject, isSet, dot, other, equal, isIn, items, add, insert, insertOnce, merge, upsert,',
    'lengthOf, callee, own, ownCopy, conflict, isIndexed, positionsOf, firstAfter } = environment.runtimeOf({ charge, stepsLeft });',
    ...module.constants.map((_, index) => `const k${index} = constants[${index}];`),
    ...module.builtinNames.map((name, index) => generateBuiltin(index, plan.builtins.get(name)?.arity ?? 0)),
    ...remembered.map((index) => `let g${index} = 0, m${index};`),
    ...functions,
    ...entrypoints,
    `const functions = makeFunctions([${plan.functions.map((_, index) => `f${index}`).join(', ')}]);`,
    ...generateMemory(remembered),
    'function begin(steps, bytes) { fuel = steps; room = bytes; gen = ++lastGen; }',
    `return { entrypoints: [${entrypoints.map((_, index) => `p${index}`).join(', ')}], begin, forget, charge, stepsLeft };`,
  ];
  return {
    source: source.join('\n'),
    constants: module.constants,
    builtinNames: module.builtinNames,
    entrypointNames: [...plan.entrypoints.keys()],
    tracedLines: trace?.lines ?? [],
  };
}

/** For a call, before its operands: checking them takes longer than a turn of a loop, most of all the first times. */
const callSteps = 3;

function generateBuiltin(index: number, arity: number): string {
  const operands = Array.from({ length: arity }, (_, at) => `x${at}`);
  const weights = [callSteps, ...operands.map((name) => `w${index}(${name}, fuel)`)].join(' + ');
  return [
    `const B${index} = builtins[${index}], w${index} = weightOf(${index});`,
    `function b${index}(${operands.join(', ')}) { charge(${weights});`,
    `try { return allocated(B${index}(${['context', ...operands].join(', ')})); }`,
    `catch (thrown) { return failed(thrown, ${index}); } }`,
  ].join(' ');
}

function generateFunction(module: ModuleWriter, { name, params, blocks }: PlanFunction, index: number): string {
  const isRemembered = params.length === 2;
  const writer = newWriter(module, name, params, blocks, (value) => {
    return isRemembered ? `g${index} = gen; return m${index} = ${value};` : `return ${value};`;
  });
  generateBlocks(writer, blocks);
  const remembered = isRemembered ? `if (g${index} === gen) return m${index}; ` : '';
  return [
    `function f${index}(${params.map((local) => `l${local}`).join(', ')}) {`,
    `${remembered}if (--fuel < 0) spent();`,
    ...declarations(writer, params),
    ...writer.lines,
    writer.returning('undefined'),
    '}',
  ].join('\n');
}

function generateEntrypoint(module: ModuleWriter, blocks: readonly Block[], index: number): string {
  const writer = newWriter(module, '', [0, 1], blocks, () => 'return results;');
  generateBlocks(writer, blocks);
  return [
    `function p${index}(l0, l1) {`,
    'const results = [];',
    ...declarations(writer, [0, 1]),
    ...writer.lines,
    'return results;',
    '}',
  ].join('\n');
}

function newWriter(
  module: ModuleWriter,
  rule: string,
  params: readonly Local[],
  blocks: readonly Block[],
  returning: (value: string) => string,
): FunctionWriter {
  return {
    rule,
    module,
    found: findConstants(blocks, params),
    live: liveLocals(blocks),
    plain: plainObjects(blocks, params),
    probes: new Map(),
    levels: [],
    lines: [],
    locals: new Set(),
    returning,
    names: 0,
  };
}

function generateBlocks(writer: FunctionWriter, blocks: readonly Block[]): void {
  for (const block of blocks)
    nested(
      writer,
      'break',
      () => generateBlock(writer, block),
      (label) => `${label}{`,
    );
}

function declarations({ locals, found }: FunctionWriter, params: readonly Local[]): string[] {
  const names = [...locals].filter((local) => !params.includes(local)).map((local) => `l${local}`);
  return [
    ...(names.length === 0 ? [] : [`let ${names.join(', ')};`]),
    ...(found.borrowed.size === 0 ? [] : ['const owned = new Set();']),
  ];
}

/** Locals into which nothing is inserted but under constant names, and that are set by nothing but making an object. */
function plainObjects(blocks: readonly Block[], params: readonly Local[]): ReadonlySet<Local> {
  const made = new Set<Local>();
  const spoilt = new Set(params);
  for (const statement of everyStatement(blocks)) {
    if (statement.type === 'MakeObjectStmt') made.add(statement.target);
    else if (statement.type === 'ObjectInsertStmt') {
      if (statement.key.kind !== 'string' || statement.key.text === '__proto__') spoilt.add(statement.object);
    } else if (statement.type === 'ObjectInsertOnceStmt') spoilt.add(statement.object);
    else for (const local of targetOf(statement)) spoilt.add(local);
  }
  return made.difference(spoilt);
}

/** What functions remember is set aside for the length of a `with`, and dropped with the decision it was made for. */
function generateMemory(remembered: readonly number[]): string[] {
  const saved = remembered.flatMap((index) => [`g${index}`, `m${index}`]);
  const restored = remembered.map(
    (index, at) => `g${index} = memory[${2 * at + 1}]; m${index} = memory[${2 * at + 2}];`,
  );
  const forgotten = remembered.map((index) => `m${index} = undefined;`);
  return [
    `function save() { charge(${1 + (saved.length >> 3)}); return [${['gen', ...saved].join(', ')}]; }`,
    `function restore(memory) { gen = memory[0]; ${restored.join(' ')} }`,
    `function forget() { ${forgotten.join(' ')} }`,
  ];
}
