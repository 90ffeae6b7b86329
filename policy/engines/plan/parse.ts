import { PolicyError } from '../../errors.ts';
import type { Block, BuiltinShape, Plan, PlanFunction } from './ir.ts';
import { fail, fields, integerIn, items, type Known, optionalItems, text } from './parse-json.ts';
import { parseBlocks } from './parse-statements.ts';

/** OPA writes 80 KB for a policy of 150 lines; what is larger than this would be no policy but an attack on memory. */
const maxPlanLength = 64 * 1024 * 1024;

/** Reads `plan.json` of OPA's compiler. Throws PolicyError that says what is wrong and where. */
export function parsePlan(plan: string): Plan {
  if (plan.length > maxPlanLength) {
    throw new PolicyError('plan-invalid', `the plan has ${plan.length} characters, at most ${maxPlanLength} are read`);
  }
  const root = fields(parseJson(plan), 'the plan');
  const constants = fields(root['static'] ?? {}, 'static');
  const strings = optionalItems(constants['strings'], 'static.strings').map(constant('static.strings'));
  const files = optionalItems(constants['files'], 'static.files').map(constant('static.files'));
  const builtins = new Map(optionalItems(constants['builtin_funcs'], 'static.builtin_funcs').map(parseBuiltin));
  const rawFunctions = optionalItems(fields(root['funcs'] ?? {}, 'funcs')['funcs'], 'funcs.funcs');
  const headers = rawFunctions.map(parseHeader);
  const functionIndex = new Map(headers.map(({ name }, index) => [name, index]));
  if (functionIndex.size !== headers.length) fail('two functions have one name');
  const arities = new Map(headers.map(({ name, params }) => [name, params.length]));
  const known: Known = { strings, files, builtins, arities };
  const functions = headers.map((header, index) => parseFunction(header, rawFunctions[index], known));
  return Object.freeze({ entrypoints: parseEntrypoints(root['plans'], known), functions, functionIndex, builtins });
}

function parseJson(plan: string): unknown {
  try {
    return JSON.parse(plan);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'not JSON';
    throw new PolicyError('plan-invalid', `the plan is not JSON: ${why}`, { cause });
  }
}

const constant = (where: string) => (raw: unknown, index: number) => {
  return text(fields(raw, `${where}[${index}]`)['value'], `${where}[${index}].value`);
};

function parseBuiltin(raw: unknown, index: number): readonly [string, BuiltinShape] {
  const where = `static.builtin_funcs[${index}]`;
  const { name, decl } = fields(raw, where);
  const declaration = fields(decl, `${where}.decl`);
  const arity = optionalItems(declaration['args'], `${where}.decl.args`).length;
  return [text(name, `${where}.name`), { arity, hasResult: declaration['result'] !== undefined }];
}

type Header = Pick<PlanFunction, 'name' | 'params' | 'path'>;

function parseHeader(raw: unknown, index: number): Header {
  const where = `funcs.funcs[${index}]`;
  const record = fields(raw, where);
  const name = text(record['name'], `${where}.name`);
  const params = items(record['params'], `${where}.params`).map((local) => integerIn(local, `${where}.params`));
  if (params.length < 2 || params[0] !== 0 || params[1] !== 1 || new Set(params).size !== params.length) {
    fail(`${where} (${name}) does not take the input, the data, and distinct further parameters`);
  }
  const path = optionalItems(record['path'], `${where}.path`).map((part) => text(part, `${where}.path`));
  return { name, params, path: params.length === 2 && path.length > 0 ? path : undefined };
}

function parseFunction(header: Header, raw: unknown, known: Known): PlanFunction {
  const blocks = parseBlocks(fields(raw, header.name)['blocks'], header.name, 'function', known);
  return Object.freeze({ ...header, blocks });
}

function parseEntrypoints(raw: unknown, known: Known): ReadonlyMap<string, readonly Block[]> {
  const plans = items(fields(raw, 'plans')['plans'], 'plans.plans').map((plan, index) => {
    const where = `plans.plans[${index}]`;
    const { name, blocks } = fields(plan, where);
    return [text(name, `${where}.name`), parseBlocks(blocks, where, 'entrypoint', known)] as const;
  });
  return new Map(plans);
}
