import { stripVTControlCharacters } from 'node:util';

/** Names come from files and configurations, and a terminal obeys what it is sent (CWE-150); nor may one reorder its line. */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/\p{Cf}/gu, '');
}
