import { member } from '../../value/object.ts';
import type { ObjectValue } from '../../value/value.ts';
import {
  argumentsIn,
  directivesIn,
  literalIn,
  listIn,
  nameIn,
  namedTypeNode,
  nameNode,
  objectsIn,
  textIn,
  typeIn,
  wrong,
} from './document-node.ts';
import {
  operationNamed,
  type DocumentNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type OperationTypeNode,
  type SelectionNode,
  type SelectionSetNode,
  type VariableDefinitionNode,
} from './library.ts';

/** A query from the tree that `queryValue` makes. Throws BuiltinError. */
export function queryNode(tree: ObjectValue): DocumentNode {
  const operations = objectsIn(tree, 'Operations').map(operationNode);
  const fragments = objectsIn(tree, 'Fragments').map(fragmentNode);
  return { kind: 'Document', definitions: [...operations, ...fragments] };
}

function operationNode(tree: ObjectValue): OperationDefinitionNode {
  const name = textIn(tree, 'Name');
  return {
    kind: 'OperationDefinition',
    operation: operationIn(tree),
    name: name === '' ? undefined : nameNode(name),
    variableDefinitions: objectsIn(tree, 'VariableDefinitions').map(variableNode),
    directives: directivesIn(tree),
    selectionSet: selectionSetIn(tree),
  };
}

export function operationIn(tree: ObjectValue): OperationTypeNode {
  return operationNamed(textIn(tree, 'Operation')) ?? wrong('Operation', 'an operation');
}

function variableNode(tree: ObjectValue): VariableDefinitionNode {
  return {
    kind: 'VariableDefinition',
    variable: { kind: 'Variable', name: nameIn(tree, 'Variable') },
    type: typeIn(tree, 'Type'),
    defaultValue: literalIn(tree, 'DefaultValue') as VariableDefinitionNode['defaultValue'],
    directives: directivesIn(tree) as VariableDefinitionNode['directives'],
  };
}

function fragmentNode(tree: ObjectValue): FragmentDefinitionNode {
  return {
    kind: 'FragmentDefinition',
    name: nameIn(tree),
    variableDefinitions: objectsIn(tree, 'VariableDefinition').map(variableNode),
    typeCondition: namedTypeNode(textIn(tree, 'TypeCondition')),
    directives: directivesIn(tree),
    selectionSet: selectionSetIn(tree),
  };
}

function selectionSetIn(tree: ObjectValue): SelectionSetNode {
  return { kind: 'SelectionSet', selections: objectsIn(tree, 'SelectionSet').map(selectionNode) };
}

/** OPA takes fragments in a tree for fields without a name, and so every query with one for invalid. */
function selectionNode(tree: ObjectValue): SelectionNode {
  const directives = directivesIn(tree);
  if (member(tree, 'TypeCondition') !== undefined) {
    const condition = textIn(tree, 'TypeCondition');
    const typeCondition = condition === '' ? undefined : namedTypeNode(condition);
    return { kind: 'InlineFragment', typeCondition, directives, selectionSet: selectionSetIn(tree) };
  }
  const alias = textIn(tree, 'Alias');
  if (alias === '') return { kind: 'FragmentSpread', name: nameIn(tree), directives };
  return {
    kind: 'Field',
    alias: nameNode(alias),
    name: nameIn(tree),
    arguments: argumentsIn(tree),
    directives,
    selectionSet: listIn(tree, 'SelectionSet').length === 0 ? undefined : selectionSetIn(tree),
  };
}
