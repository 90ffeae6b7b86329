import { type Diagnostic, PolicyError } from './errors.ts';

/** A policy may have thousands of rules; whoever mistyped one looks for a name and reads no list. */
const maxNames = 12;

/** Says what could have been named instead. OPA's other commands take `data.shop.allow`, which is what many write first. */
export function entrypointMissing(
  entrypoint: string,
  known: readonly string[],
  diagnostics: readonly Diagnostic[] = [],
): PolicyError {
  const meant = entrypoint.replace(/^data[./]/, '').replaceAll('.', '/');
  const said = known.includes(meant) ? `did you mean ${meant}?` : listed(known);
  return new PolicyError('entrypoint-missing', `no rule is named ${entrypoint}; ${said}`, { diagnostics });
}

function listed(known: readonly string[]): string {
  if (known.length === 0) return 'the policy has none that could decide';
  const shown = known.slice(0, maxNames).join(', ');
  const more = known.length > maxNames ? `, and ${known.length - maxNames} more` : '';
  return `the policy has ${shown}${more}`;
}
