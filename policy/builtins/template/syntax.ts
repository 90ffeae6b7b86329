import { fail, type Piece, piecesOf, type Token } from './tokens.ts';

/** What stands for a value; a call has its function's name, and its last operand may come out of a pipe. */
export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'dot' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'field'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly operands: readonly Expression[] };

/** `variables` are declared by `:=`, or set by `=`. */
export type Pipeline = {
  readonly variables: readonly string[];
  readonly declares: boolean;
  readonly value: Expression;
};

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'show'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly then: readonly Node[];
      readonly otherwise: readonly Node[];
    };

const maxDepth = 50;
const functions: ReadonlySet<string> = new Set([
  'and',
  'or',
  'not',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'len',
  'index',
]);
const constants: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['nil', null],
]);

/**
 * Reads the part of Go's text/template that has a meaning for plain data: text, values, variables, `if`, `with`, `range`,
 * `else`, comments and the comparing functions. Throws BuiltinError for the rest.
 */
export function parseTemplate(template: string): readonly Node[] {
  const parser = new TemplateParser(piecesOf(template));
  const { nodes, end } = parser.list(0);
  return end === undefined ? nodes : fail(`unexpected {{${end}}}`);
}

type List = {
  readonly nodes: readonly Node[];
  readonly end: 'end' | 'else' | undefined;
  readonly rest: readonly Token[];
};

class TemplateParser {
  readonly #pieces: readonly Piece[];
  #at = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  /** Up to `{{end}}`, `{{else}}` or the end of the template. */
  list(depth: number): List {
    if (depth > maxDepth) return fail('nested too deeply');
    const nodes: Node[] = [];
    for (let piece = this.#next(); piece !== undefined; piece = this.#next()) {
      if ('text' in piece) {
        if (piece.text !== '') nodes.push({ kind: 'text', text: piece.text });
        continue;
      }
      const [first, ...rest] = piece.tokens;
      if (first === undefined) return fail('missing value for command');
      const word = first.kind === 'word' ? first.text : '';
      if (word === 'end' || word === 'else') return { nodes, end: word, rest };
      if (word === 'if' || word === 'with' || word === 'range') nodes.push(this.#block(word, rest, depth));
      else nodes.push({ kind: 'show', pipeline: parsePipeline(piece.tokens, 1) });
    }
    return { nodes, end: undefined, rest: [] };
  }

  #next(): Piece | undefined {
    return this.#pieces[this.#at++];
  }

  #block(kind: 'if' | 'with' | 'range', tokens: readonly Token[], depth: number): Node {
    const pipeline = parsePipeline(tokens, kind === 'range' ? 2 : 1);
    const then = this.list(depth + 1);
    if (then.end === 'end' && then.rest.length === 0) return { kind, pipeline, then: then.nodes, otherwise: [] };
    if (then.end !== 'else') return fail(`{{${kind}}} without {{end}}`);
    const [chained, ...rest] = then.rest;
    if (chained !== undefined) {
      // `{{else if}}` has the {{end}} of the first `if`.
      if (chained.text !== kind || kind === 'range') return fail('unexpected tokens after else');
      return { kind, pipeline, then: then.nodes, otherwise: [this.#block(kind, rest, depth + 1)] };
    }
    const otherwise = this.list(depth + 1);
    if (otherwise.end !== 'end' || otherwise.rest.length > 0) return fail(`{{${kind}}} without {{end}}`);
    return { kind, pipeline, then: then.nodes, otherwise: otherwise.nodes };
  }
}

function parsePipeline(tokens: readonly Token[], maxVariables: number): Pipeline {
  const assignment = tokens.findIndex(({ kind, text }) => kind === 'sign' && (text === ':=' || text === '='));
  const variables = tokens.slice(0, Math.max(assignment, 0)).filter(({ text }) => text !== ',');
  const named = variables.every(({ kind, text }) => kind === 'variable' && text !== '$');
  const commas = Math.max(assignment, 0) - variables.length;
  if (!named || variables.length > maxVariables || commas !== Math.max(variables.length - 1, 0))
    return fail('bad variables');
  if (assignment === 0) return fail('nothing to assign to');
  const expression = new ExpressionParser(tokens.slice(assignment + 1));
  return {
    variables: variables.map(({ text }) => text),
    declares: tokens[assignment]?.text !== '=',
    value: expression.whole(),
  };
}

class ExpressionParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expression {
    const value = this.#pipe(0);
    return this.#at === this.#tokens.length ? value : fail('unexpected token in an action');
  }

  #pipe(depth: number): Expression {
    if (depth > maxDepth) return fail('nested too deeply');
    let value = this.#command(depth, []);
    while (this.#sign('|')) value = this.#command(depth, [value]);
    return value;
  }

  #command(depth: number, piped: readonly Expression[]): Expression {
    const first = this.#tokens[this.#at];
    if (first?.kind === 'word' && functions.has(first.text)) {
      this.#at++;
      const operands: Expression[] = [];
      while (this.#startsOperand()) operands.push(this.#operand(depth));
      return { kind: 'call', name: first.text, operands: [...operands, ...piped] };
    }
    const operand = this.#operand(depth);
    if (operand.kind === 'literal' && operand.value === null) return fail('nil is not a command');
    return piped.length > 0 || this.#startsOperand() ? fail('only functions take operands') : operand;
  }

  #startsOperand(): boolean {
    const next = this.#tokens[this.#at];
    return next !== undefined && (next.kind !== 'sign' || next.text === '(' || next.text === '.');
  }

  #operand(depth: number): Expression {
    let value = this.#term(depth);
    for (let next = this.#tokens[this.#at]; next?.kind === 'field' && !next.spaced; next = this.#tokens[this.#at]) {
      value = { kind: 'field', of: value, name: next.text };
      this.#at++;
    }
    return value;
  }

  #term(depth: number): Expression {
    const token = this.#tokens[this.#at++] ?? fail('missing value');
    switch (token.kind) {
      case 'literal':
        return { kind: 'literal', value: token.value };
      case 'variable':
        return { kind: 'variable', name: token.text };
      case 'field':
        return { kind: 'field', of: { kind: 'dot' }, name: token.text };
      case 'word':
        return this.#word(token.text);
      case 'sign':
        return token.text === '.' ? { kind: 'dot' } : this.#parenthesis(token.text, depth);
    }
  }

  #word(name: string): Expression {
    const value = constants.get(name);
    if (value !== undefined) return { kind: 'literal', value };
    return functions.has(name) ? { kind: 'call', name, operands: [] } : fail(`${name} is not supported`);
  }

  #parenthesis(sign: string, depth: number): Expression {
    if (sign !== '(') return fail(`unexpected ${sign}`);
    const value = this.#pipe(depth + 1);
    return this.#sign(')') ? value : fail('unclosed parenthesis');
  }

  #sign(text: string): boolean {
    const next = this.#tokens[this.#at];
    if (next?.kind !== 'sign' || next.text !== text) return false;
    this.#at++;
    return true;
  }
}
