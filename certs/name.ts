import { type Der, readDer, tags } from './der.ts';

/**
 * A name in a form in which equal names are equal texts (RFC 5280 section 7.1): two CAs of one program have written one name as
 * PrintableString and as UTF8String, with other capitals or one space more. A list that was held for another issuer's would
 * revoke nothing.
 */
export function nameKey(der: Uint8Array): string {
  return readDer(der)
    .children.map(({ children }) => children.map(attributeKey).toSorted().join('+'))
    .join(',');
}

function attributeKey({ children: [type, value] }: Der): string {
  return `${type?.content.toString('hex')}=${value === undefined ? '' : valueKey(value)}`;
}

/** Quoted, so that no text can look like two attributes. */
function valueKey({ tag, raw, content }: Der): string {
  const text = textOf(tag, content);
  if (text === undefined) return raw.toString('hex');
  return JSON.stringify(text.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' '));
}

function textOf(tag: number, content: Buffer): string | undefined {
  switch (tag) {
    case tags.utf8String:
      return content.toString('utf8');
    case tags.printableString:
    case tags.ia5String:
    case tags.teletexString:
      return content.toString('latin1');
    case tags.bmpString:
      return content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : undefined;
    default:
      return undefined;
  }
}
