import {
  buildASTSchema,
  type DefinitionNode,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  OperationTypeNode,
  type ParseOptions,
  parse,
  type TypeDefinitionNode,
  validate,
  validateSchema,
  visit,
} from 'graphql';
import { BuiltinError } from '../builtin.ts';

/** The only importer of `graphql`. Its errors become BuiltinError, and so does nesting that exhausts the stack. */
export type {
  ArgumentNode,
  DefinitionNode,
  DirectiveDefinitionNode,
  DirectiveNode,
  DocumentNode,
  EnumValueDefinitionNode,
  FieldDefinitionNode,
  FragmentDefinitionNode,
  GraphQLSchema,
  InputValueDefinitionNode,
  NameNode,
  NamedTypeNode,
  OperationDefinitionNode,
  OperationTypeNode,
  SchemaDefinitionNode,
  SchemaExtensionNode,
  SelectionNode,
  SelectionSetNode,
  StringValueNode,
  TypeDefinitionNode,
  TypeExtensionNode,
  TypeNode,
  ValueNode,
  VariableDefinitionNode,
} from 'graphql';

/** Undefined for what is no operation. */
export function operationNamed(name: string): OperationTypeNode | undefined {
  return Object.values(OperationTypeNode).find((operation) => operation === name);
}

const options: ParseOptions = {
  noLocation: true,
  maxLexicalTokens: 20_000,
  maxSourceLength: 262_144,
  // gqlparser has variables of fragments.
  experimentalFragmentArguments: true,
};

export function parseDocument(text: string): DocumentNode {
  // gqlparser has documents without definitions, graphql-js has not.
  if (/^(?:[\s,\ufeff]|#[^\n\r]*)*$/.test(text)) return { kind: 'Document', definitions: [] };
  return guarded(() => parse(text, options));
}

export function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof GraphQLError) throw new BuiltinError(error.message);
    if (error instanceof RangeError) throw new BuiltinError('the GraphQL is nested too deep');
    throw error;
  }
}

/** What gqlparser knows without a definition, besides what graphql-js does. */
const defer: DocumentNode = parse(
  'directive @defer(if: Boolean = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT',
  options,
);
const builtInScalars = new Set(['Int', 'Float', 'String', 'Boolean', 'ID']);

/** A schema that is valid, if need be without a query type: gqlparser has those. */
export function makeSchema(document: DocumentNode): GraphQLSchema {
  return guarded(() => {
    const definitions = withBases(document.definitions);
    const hasDefer = definitions.some((node) => node.kind === 'DirectiveDefinition' && node.name.value === 'defer');
    const complete = {
      kind: 'Document',
      definitions: hasDefer ? definitions : [...definitions, ...defer.definitions],
    } as const;
    refuseUnknownTypes(complete);
    const error = validateSchema(build(complete)).find(
      ({ message }) => message !== 'Query root type must be provided.',
    );
    if (error !== undefined) throw error;
    return buildASTSchema(complete, { assumeValid: true });
  });
}

/** graphql-js would compare each unknown name with all known ones, to propose one. */
function refuseUnknownTypes(document: DocumentNode): void {
  const known = new Set(builtInScalars);
  for (const node of document.definitions) if (isTypeDefinition(node)) known.add(node.name.value);
  visit(document, {
    NamedType: ({ name }) => {
      if (!known.has(name.value)) throw new BuiltinError(`undefined type ${name.value}`);
    },
  });
}

/** It says that a schema is invalid with a plain Error, or a TypeError of its constructors. */
function build(document: DocumentNode): GraphQLSchema {
  try {
    return buildASTSchema(document);
  } catch (error) {
    if (error instanceof RangeError || !(error instanceof Error)) throw error;
    throw new BuiltinError(error.message);
  }
}

/** gqlparser takes an extension of a type that is not there for its definition. */
function withBases(definitions: readonly DefinitionNode[]): readonly DefinitionNode[] {
  const defined = new Set<string>();
  for (const node of definitions) {
    if (!isTypeDefinition(node)) continue;
    if (builtInScalars.has(node.name.value)) throw new BuiltinError(`cannot redeclare type ${node.name.value}`);
    defined.add(node.name.value);
  }
  return definitions.map((node) => {
    if (!node.kind.endsWith('TypeExtension') || !('name' in node) || defined.has(node.name?.value ?? '')) return node;
    defined.add(node.name?.value ?? '');
    return { ...node, kind: node.kind.replace(/Extension$/, 'Definition') } as TypeDefinitionNode;
  });
}

function isTypeDefinition(node: DefinitionNode): node is TypeDefinitionNode {
  return node.kind.endsWith('TypeDefinition');
}

export function checkQuery(schema: GraphQLSchema, query: DocumentNode): void {
  const [error] = guarded(() => validate(schema, query, undefined, { maxErrors: 1, hideSuggestions: true }));
  if (error !== undefined) throw new BuiltinError(error.message);
}
