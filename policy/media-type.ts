const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const contentType = new RegExp(`^(${token}/${token})(?:; ?charset=(?:utf-8|"utf-8"))?$`, 'i');

/**
 * The one of the declared media types (`type/subtype`, lower case) that a message has, or undefined. Whatever a parser
 * behind us might read another way is no match, rather than a body without validation: no line or several, other
 * parameters, tabs, spaces and garbage around it (Fastify's CVE-2025-32442, CVE-2026-3419, CVE-2026-25223 and
 * CVE-2026-33806 were each one of these).
 */
export function matchContentType(values: readonly string[], declared: Declared): string | undefined {
  const [only] = values;
  if (only === undefined || values.length > 1) return undefined;
  // Written as it was declared: most are.
  if (declared.has(only)) return only;
  const essence = contentType.exec(only)?.[1]?.toLowerCase();
  return essence !== undefined && declared.has(essence) ? essence : undefined;
}

/** A set, or a map with something for each type. */
type Declared = { readonly has: (type: string) => boolean };
