import { inlined } from './inline-builtins.ts';
import type { StatementOf } from './ir.ts';
import { type FunctionWriter, fail, fresh, leave, type ModuleWriter, operand, variable } from './writer.ts';

export function generateCall(writer: FunctionWriter, { func, args, result, place }: StatementOf<'CallStmt'>): string {
  const operands = args.map((source) => operand(writer, source));
  const index = writer.module.plan.functionIndex.get(func);
  const call = index === undefined ? builtinCall(writer.module, func, operands) : `f${index}(${operands.join(', ')})`;
  const target = variable(writer, result);
  if (index === undefined && writer.module.plan.builtins.get(func)?.hasResult === false) return `${target} = ${call};`;
  return `if ((${target} = ${call}) === undefined) { ${fail(writer, place)} }`;
}

function builtinCall({ builtinIndex, builtinNames }: ModuleWriter, name: string, operands: readonly string[]): string {
  const index = builtinIndex.get(name) ?? builtinNames.push(name) - 1;
  builtinIndex.set(name, index);
  return inlined(name, `b${index}(${operands.join(', ')})`, operands);
}

/**
 * A call of whatever function has a path made at run time. Without one, the statements after it look in the data; with
 * one that is undefined, so is the whole reference, which the planner puts three blocks further out.
 */
export function generateDynamicCall(
  writer: FunctionWriter,
  { args, path, result, place }: StatementOf<'CallDynamicStmt'>,
): string {
  const found = fresh(writer, 'd');
  const operands = args.map((local) => variable(writer, local)).join(', ');
  const target = variable(writer, result);
  const names = path.map((part) => operand(writer, part)).join(', ');
  return [
    `const ${found} = callee(functions, [${names}]); if (${found} === undefined) { ${leave(writer, 0)} }`,
    `if ((${target} = ${found}(${operands})) === undefined) { ${fail(writer, place, 3)} }`,
  ].join(' ');
}
