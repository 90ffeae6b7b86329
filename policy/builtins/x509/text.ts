import { isAscii, isUtf8 } from 'node:buffer';
import { BuiltinError } from '../builtin.ts';
import { type Der, tags } from './der.ts';

/** The text of a string type, as Go reads it; what the type does not allow is refused. Throws BuiltinError. */
export function stringOf({ tag, content }: Der): string {
  switch (tag) {
    case tags.utf8String:
      return isUtf8(content) ? content.toString('utf8') : malformed();
    case tags.printableString:
      // With `*` and `&`, which are not allowed and yet in use.
      return matching(content, /^[A-Za-z0-9'()+,\-./ :=?*&]*$/);
    case tags.ia5String:
      return ia5(content);
    case tags.numericString:
      return matching(content, /^[0-9 ]*$/);
    case tags.teletexString:
      return content.toString('latin1');
    case tags.bmpString:
      return bmp(content);
    default:
      return malformed();
  }
}

/** Seven bits: a name that hides more is refused (CVE-2021-44532 and what came after). */
export function ia5(content: Buffer): string {
  return isAscii(content) ? content.toString('latin1') : malformed();
}

function matching(content: Buffer, pattern: RegExp): string {
  const text = content.toString('latin1');
  return pattern.test(text) ? text : malformed();
}

function bmp(content: Buffer): string {
  if (content.length % 2 !== 0) return malformed();
  const text = Buffer.from(content).swap16().toString('utf16le').replace(/\0$/, '');
  return /[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]/.test(text) ? malformed() : text;
}

function malformed(): never {
  throw new BuiltinError('malformed string in DER');
}
