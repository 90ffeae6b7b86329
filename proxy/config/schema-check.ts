export type SchemaProblem = { readonly pointer: string; readonly message: string };

export function schemaProblem(
  schema: unknown,
  use: 'body-schema' | 'parameter-schema',
  file: string,
): SchemaProblem | undefined {
  void [use, file];
  if (typeof schema === 'boolean' || (typeof schema === 'object' && schema !== null && !Array.isArray(schema)))
    return undefined;
  return { pointer: '', message: 'a JSON Schema is an object or a boolean' };
}
