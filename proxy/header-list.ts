/** Name, value, name, value. A flat list keeps order and duplicates, and no name can collide with `__proto__`. */
export type HeaderList = readonly string[];

/** All values of a field, in order. `name` is lower case; the list may be in any. */
export function fieldValues(headers: HeaderList, name: string): readonly string[] {
  let values: string[] | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const candidate = headers[index] as string;
    if (candidate !== name && !isInOtherCase(candidate, name)) continue;
    const value = headers[index + 1] as string;
    if (values === undefined) values = [value];
    else values.push(value);
  }
  return values ?? none;
}

const none: readonly string[] = [];

/** Writing a name anew costs more than all the rest; most that are as long begin with another letter. */
function isInOtherCase(candidate: string, name: string): boolean {
  if (candidate.length !== name.length || (candidate.charCodeAt(0) | 0x20) !== name.charCodeAt(0)) return false;
  return candidate.toLowerCase() === name;
}

/** The list without a field. `name` is lower case, and so are all names of the list. */
export function withoutField(headers: HeaderList, name: string): HeaderList {
  if (!headers.includes(name)) return headers;
  return headers.filter((_, index) => headers[index - (index % 2)] !== name);
}

/** What the `Connection` lines ask for (RFC 9110 section 7.6.1): `close`, or names of fields; in lower case. */
export function connectionOptions(headers: HeaderList): readonly string[] {
  const lines = fieldValues(headers, 'connection');
  if (lines.length === 0) return lines;
  if (lines.length === 1 && lines[0] === 'keep-alive') return keepAlive;
  return lines
    .flatMap((value) => value.split(','))
    .map((option) => option.trim().toLowerCase())
    .filter((option) => option !== '');
}

/** What most of those say that say anything. */
const keepAlive: readonly string[] = ['keep-alive'];
