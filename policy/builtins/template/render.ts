import { type Builtin, type BuiltinContext, type Builtins } from '../builtin.ts';
import { object, text } from '../operands.ts';
import { type Expression, type Node, parseTemplate, type Pipeline } from './syntax.ts';
import { fail } from './tokens.ts';
import { type Data, dataOf, functions, isList, isMap, isTrue, printed } from './values.ts';

const renderTemplate: Builtin = (context, template, variables) => {
  const source = text(template, 1);
  context.charge(source.length);
  const run = new TemplateRun(context, dataOf(object(variables, 2)));
  run.nodes(parseTemplate(source));
  return run.output.join('').replaceAll('<no value>', '<undefined>');
};

class TemplateRun {
  readonly output: string[] = [];
  readonly #charge: BuiltinContext['charge'];
  #dot: Data;
  /** The innermost last. */
  #variables: [name: string, value: Data][];

  constructor({ charge }: BuiltinContext, root: Data) {
    this.#charge = charge;
    this.#dot = root;
    this.#variables = [['$', root]];
  }

  nodes(nodes: readonly Node[]): void {
    for (const node of nodes) {
      this.#charge(1);
      if (node.kind === 'text') this.#write(node.text);
      else if (node.kind === 'show') this.#show(node.pipeline);
      else this.#scoped(() => this.#block(node));
    }
  }

  #write(piece: string): void {
    this.#charge(Math.ceil(piece.length / 16));
    this.output.push(piece);
  }

  #show(pipeline: Pipeline): void {
    const value = this.#pipeline(pipeline);
    if (pipeline.variables.length === 0) this.#write(printed(value));
  }

  /** What is declared inside ends there, and the dot is again what it was. */
  #scoped(work: () => void): void {
    const [dot, declared] = [this.#dot, this.#variables.length];
    work();
    this.#dot = dot;
    this.#variables.length = declared;
  }

  #block({ kind, pipeline, then, otherwise }: Exclude<Node, { kind: 'text' | 'show' }>): void {
    if (kind === 'range') {
      const items = itemsOf(this.#value(pipeline.value));
      for (const [key, item] of items) this.#scoped(() => this.#iteration(pipeline, key, item, then));
      if (items.length === 0) this.nodes(otherwise);
      return;
    }
    const value = this.#pipeline(pipeline);
    if (!isTrue(value)) return this.nodes(otherwise);
    if (kind === 'with') this.#dot = value;
    this.nodes(then);
  }

  #iteration({ variables, declares }: Pipeline, key: Data, item: Data, body: readonly Node[]): void {
    this.#dot = item;
    const values = variables.length === 2 ? [key, item] : [item];
    for (const [i, name] of variables.entries()) this.#set(name, values[i], declares);
    this.nodes(body);
  }

  #pipeline({ variables, declares, value }: Pipeline): Data {
    const result = this.#value(value);
    for (const name of variables) this.#set(name, result, declares);
    return result;
  }

  #set(name: string, value: Data, declares: boolean): void {
    if (declares) this.#variables.push([name, value]);
    else this.#variable(name)[1] = value;
  }

  #variable(name: string): [string, Data] {
    return this.#variables.findLast(([known]) => known === name) ?? fail(`undefined variable ${name}`);
  }

  #value(expression: Expression): Data {
    this.#charge(1);
    switch (expression.kind) {
      case 'literal':
        return expression.value;
      case 'dot':
        return this.#dot;
      case 'variable':
        return this.#variable(expression.name)[1];
      case 'field':
        return fieldOf(this.#value(expression.of), expression.name);
      case 'call':
        return this.#call(expression.name, expression.operands);
    }
  }

  #call(name: string, operands: readonly Expression[]): Data {
    if (name !== 'and' && name !== 'or') {
      const values = operands.map((operand) => this.#value(operand));
      // Two texts are compared to their end, and a range may do it for each of its items.
      for (const value of values) if (typeof value === 'string') this.#charge(value.length >>> 6);
      return functions.get(name)?.(...values);
    }
    if (operands.length === 0) return fail('missing operand');
    let value: Data;
    for (const operand of operands) {
      value = this.#value(operand);
      if (isTrue(value) === (name === 'or')) break;
    }
    return value;
  }
}

/** A member that there is not has no members either; null, like text, is an error. */
function fieldOf(data: Data, name: string): Data {
  if (data === undefined) return undefined;
  return isMap(data) ? data.get(name) : fail(`there is no field ${name}`);
}

function itemsOf(data: Data): readonly (readonly [Data, Data])[] {
  if (isList(data)) return data.map((item, index) => [index, item]);
  if (isMap(data)) return [...data];
  return data === undefined || data === null ? [] : fail('range over what is no list');
}

export const renderTemplateBuiltins: Builtins = { 'strings.render_template': renderTemplate };
