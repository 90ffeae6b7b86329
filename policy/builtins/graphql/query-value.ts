import type { PlainObject, Value } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';
import { argumentValues, directiveValues, literalValue, pruned, typeValue } from './document-value.ts';
import type {
  DocumentNode,
  FragmentDefinitionNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
  VariableDefinitionNode,
} from './library.ts';

/** Throws BuiltinError for what gqlparser does not know or does not take for a query. */
export function queryValue(document: DocumentNode): PlainObject {
  const operations: Value[] = [];
  const fragments: Value[] = [];
  for (const node of document.definitions) {
    if (node.kind === 'OperationDefinition') operations.push(operationValue(node));
    else if (node.kind === 'FragmentDefinition') fragments.push(fragmentValue(node));
    else throw new BuiltinError(`a query has no ${node.kind}`);
    if (node.description !== undefined) throw new BuiltinError('a query has no descriptions');
  }
  return pruned({ Operations: operations, Fragments: fragments });
}

function operationValue(node: OperationDefinitionNode): PlainObject {
  return pruned({
    Operation: node.operation,
    Name: node.name?.value ?? '',
    VariableDefinitions: (node.variableDefinitions ?? []).map(variableValue),
    Directives: directiveValues(node.directives),
    SelectionSet: selections(node.selectionSet),
  });
}

function variableValue(node: VariableDefinitionNode): PlainObject {
  if (node.description !== undefined) throw new BuiltinError('a query has no descriptions');
  return pruned({
    Variable: node.variable.name.value,
    Type: typeValue(node.type),
    DefaultValue: node.defaultValue && literalValue(node.defaultValue),
    Directives: directiveValues(node.directives),
    Used: false,
  });
}

function fragmentValue(node: FragmentDefinitionNode): PlainObject {
  return pruned({
    Name: node.name.value,
    VariableDefinition: (node.variableDefinitions ?? []).map(variableValue),
    TypeCondition: node.typeCondition.name.value,
    Directives: directiveValues(node.directives),
    SelectionSet: selections(node.selectionSet),
  });
}

function selections({ selections: nodes }: SelectionSetNode): readonly Value[] {
  // graphql-js reads them as of a later draft of the specification.
  if (nodes.length === 0) throw new BuiltinError('a selection set is empty');
  return nodes.map(selectionValue);
}

function selectionValue(node: SelectionNode): PlainObject {
  switch (node.kind) {
    case 'Field':
      return pruned({
        Alias: node.alias?.value ?? node.name.value,
        Name: node.name.value,
        Arguments: argumentValues(node.arguments),
        Directives: directiveValues(node.directives),
        SelectionSet: node.selectionSet && selections(node.selectionSet),
      });
    case 'FragmentSpread':
      if (node.arguments !== undefined && node.arguments.length > 0) {
        throw new BuiltinError('a fragment is spread with arguments');
      }
      return pruned({ Name: node.name.value, Directives: directiveValues(node.directives) });
    case 'InlineFragment':
      return pruned({
        TypeCondition: node.typeCondition?.name.value ?? '',
        Directives: directiveValues(node.directives),
        SelectionSet: selections(node.selectionSet),
      });
  }
}
