import type { ObjectValue } from '../../value/value.ts';
import {
  descriptionIn,
  directivesIn,
  flagIn,
  listIn,
  literalIn,
  nameIn,
  namedTypeNode,
  nameNode,
  objectsIn,
  textIn,
  typeIn,
  wrong,
} from './document-node.ts';
import type {
  DefinitionNode,
  DirectiveDefinitionNode,
  DocumentNode,
  EnumValueDefinitionNode,
  FieldDefinitionNode,
  InputValueDefinitionNode,
  NamedTypeNode,
  NameNode,
} from './library.ts';
import { operationIn } from './query-node.ts';
import { typeKinds } from './schema-value.ts';

/** A schema from the tree that `schemaValue` makes. Throws BuiltinError. */
export function schemaNode(tree: ObjectValue): DocumentNode {
  return {
    kind: 'Document',
    definitions: [
      ...objectsIn(tree, 'Schema').map((part) => rootsNode(part, 'SchemaDefinition')),
      ...objectsIn(tree, 'SchemaExtension').map((part) => rootsNode(part, 'SchemaExtension')),
      ...objectsIn(tree, 'Directives').map(directiveDefinitionNode),
      ...objectsIn(tree, 'Definitions').map((part) => typeNode(part, 'Definition')),
      ...objectsIn(tree, 'Extensions').map((part) => typeNode(part, 'Extension')),
    ],
  };
}

function rootsNode(tree: ObjectValue, kind: 'SchemaDefinition' | 'SchemaExtension'): DefinitionNode {
  const operationTypes = objectsIn(tree, 'OperationTypes').map((root) => ({
    kind: 'OperationTypeDefinition' as const,
    operation: operationIn(root),
    type: namedTypeNode(textIn(root, 'Type')),
  }));
  return { kind, description: descriptionIn(tree), directives: directivesIn(tree), operationTypes } as DefinitionNode;
}

function directiveDefinitionNode(tree: ObjectValue): DirectiveDefinitionNode {
  return {
    kind: 'DirectiveDefinition',
    description: descriptionIn(tree),
    name: nameIn(tree),
    arguments: objectsIn(tree, 'Arguments').map(inputNode),
    repeatable: flagIn(tree, 'IsRepeatable'),
    locations: namesIn(tree, 'Locations'),
  };
}

/** What a kind of type does not have is empty in its tree. */
function typeNode(tree: ObjectValue, suffix: 'Definition' | 'Extension'): DefinitionNode {
  const kind = textIn(tree, 'Kind');
  const [typeName] = Object.entries(typeKinds).find(([, name]) => name === kind) ?? wrong('Kind', 'a kind of type');
  return {
    kind: `${typeName}${suffix}`,
    description: descriptionIn(tree),
    name: nameIn(tree),
    directives: directivesIn(tree),
    interfaces: namesIn(tree, 'Interfaces').map(typeOfName),
    fields: objectsIn(tree, 'Fields').map((field) => (kind === 'INPUT_OBJECT' ? inputNode(field) : fieldNode(field))),
    types: namesIn(tree, 'Types').map(typeOfName),
    values: objectsIn(tree, 'EnumValues').map(enumNode),
  } as unknown as DefinitionNode;
}

function namesIn(tree: ObjectValue, name: string): readonly NameNode[] {
  return listIn(tree, name).map((item) => (typeof item === 'string' ? nameNode(item) : wrong(name, 'names')));
}

const typeOfName = (name: NameNode): NamedTypeNode => ({ kind: 'NamedType', name });

function fieldNode(tree: ObjectValue): FieldDefinitionNode {
  return {
    kind: 'FieldDefinition',
    description: descriptionIn(tree),
    name: nameIn(tree),
    arguments: objectsIn(tree, 'Arguments').map(inputNode),
    type: typeIn(tree, 'Type'),
    directives: directivesIn(tree) as FieldDefinitionNode['directives'],
  };
}

function inputNode(tree: ObjectValue): InputValueDefinitionNode {
  return {
    kind: 'InputValueDefinition',
    description: descriptionIn(tree),
    name: nameIn(tree),
    type: typeIn(tree, 'Type'),
    defaultValue: literalIn(tree, 'DefaultValue') as InputValueDefinitionNode['defaultValue'],
    directives: directivesIn(tree) as InputValueDefinitionNode['directives'],
  };
}

function enumNode(tree: ObjectValue): EnumValueDefinitionNode {
  return {
    kind: 'EnumValueDefinition',
    description: descriptionIn(tree),
    name: nameIn(tree),
    directives: directivesIn(tree) as EnumValueDefinitionNode['directives'],
  };
}
