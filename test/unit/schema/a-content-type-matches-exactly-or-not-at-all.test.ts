import { test } from 'tap';
import { matchContentType } from '../../../policy/media-type.ts';

const declared = new Set(['application/json', 'application/vnd.api+json']);

const matching: readonly (readonly [value: string, type: string])[] = [
  ['application/json', 'application/json'],
  ['Application/JSON', 'application/json'],
  ['application/json;charset=utf-8', 'application/json'],
  ['application/json; charset=UTF-8', 'application/json'],
  ['application/json; charset="utf-8"', 'application/json'],
  ['application/vnd.api+json', 'application/vnd.api+json'],
];
for (const [value, type] of matching) {
  test(`match: ${value}`, async (t) => t.equal(matchContentType([value], declared), type));
}

const refused: readonly (readonly [why: string, values: readonly string[]])[] = [
  ['none', []],
  ['empty', ['']],
  ['another type', ['text/plain']],
  ['a longer subtype', ['application/jsonx']],
  ['a structured suffix of the type', ['application/x+json']],
  ['no subtype', ['application/']],
  ['two lines, both good', ['application/json', 'application/json']],
  ['two lines, the second bad', ['application/json', 'text/plain']],
  ['a list in one line', ['application/json, application/json']],
  ['a list with another', ['application/json,text/plain']],
  ['CVE-2025-32442: a space before the semicolon', ['application/json ;charset=utf-8']],
  ['CVE-2025-32442: another case and a space', ['ApPlIcAtIoN/JsOn ; charset=utf-8']],
  ['CVE-2026-25223: a tab behind the type', ['application/json\ta']],
  ['a tab before the parameter', ['application/json;\tcharset=utf-8']],
  ['CVE-2026-33806: a leading space', [' application/json']],
  ['a trailing space', ['application/json ']],
  ['a trailing tab', ['application/json\t']],
  ['a trailing line feed', ['application/json\n']],
  ['CVE-2026-3419: garbage behind the subtype', ['application/json garbage']],
  ['a trailing semicolon', ['application/json;']],
  ['two spaces before the parameter', ['application/json;  charset=utf-8']],
  ['another charset', ['application/json; charset=utf-16']],
  ['charset twice', ['application/json; charset=utf-8; charset=utf-8']],
  ['another parameter', ['application/json; boundary=x']],
  ['spaces around the equals sign', ['application/json; charset = utf-8']],
  ['an open quote', ['application/json; charset="utf-8']],
  ['a NUL', ['application/json\0']],
  ['a no-break space', ['application/json\u00a0']],
  ['a wildcard', ['application/*']],
  ['a long s, which lower case with the u flag would fold', ['application/j\u017fon']],
];
for (const [why, values] of refused) {
  test(`no match: ${why}`, async (t) => t.equal(matchContentType(values, declared), undefined));
}
