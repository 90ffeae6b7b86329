import type { LinearRegex } from '../../linear-regex.ts';

/** Letters, digits and `_`, as many as there are: `$1x` names a group `1x`, and `${1}x` is group 1 before an `x`. */
const reference = /\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu;

/** Go's `Regexp.Expand`: `$1`, `$name`, `${name}` and `$$`. A group that there is not is empty; any other `$` is itself. */
export function expand(template: string, regex: LinearRegex, groupText: (group: number) => string): string {
  if (!template.includes('$')) return template;
  return template.replaceAll(reference, (_whole, bare: string | undefined, braced: string | undefined) => {
    const name = bare ?? braced;
    if (name === undefined) return '$';
    const group = groupNumber(name, regex);
    return group === undefined || group > regex.groupCount ? '' : groupText(group);
  });
}

/** Digits without a leading zero are a number, anything else a name. */
function groupNumber(name: string, { groupsByName }: LinearRegex): number | undefined {
  return /^(?:0|[1-9][0-9]{0,8})$/.test(name) ? Number(name) : groupsByName.get(name);
}
