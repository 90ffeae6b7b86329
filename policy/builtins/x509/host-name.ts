import { isIP } from 'node:net';
import { type AlternativeNames, ipText } from './general-names.ts';

/** RFC 6125 as Go has it: an address is looked for among the addresses, a name among the names; the common name counts for nothing. */
export function isServerNamed(names: AlternativeNames | undefined, wanted: string): boolean {
  const bare = /^\[(.+)\]$/.exec(wanted)?.[1] ?? wanted;
  if (isIP(bare) !== 0) return (names?.ips ?? []).some((ip) => ipText(ip) === normalIp(bare));
  const host = lowerCase(wanted);
  return (names?.dns ?? []).some((name) => isMatch(lowerCase(name), host));
}

function normalIp(text: string): string {
  if (isIP(text) === 4) return text;
  const hostname = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(hostname);
  if (mapped === null) return hostname;
  const [, high = '', low = ''] = mapped;
  return ipText(Buffer.from(high.padStart(4, '0') + low.padStart(4, '0'), 'hex'));
}

/** Of ASCII alone: U+212A is not a k. */
const lowerCase = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

const label = '[a-z0-9_](?:[a-z0-9_-])*';
const hostPattern = new RegExp(`^${label}(?:\\.${label})*\\.?$`);
const namePattern = new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`);

/** A wildcard stands for the first label, the whole of it; both lower case. */
function isMatch(name: string, host: string): boolean {
  if (!hostPattern.test(host) || !namePattern.test(name)) return name === host && name !== '' && name !== '.';
  const hostLabels = host.replace(/\.$/, '').split('.');
  const nameLabels = name.split('.');
  return (
    nameLabels.length === hostLabels.length &&
    nameLabels.every((part, index) => part === hostLabels[index] || (index === 0 && part === '*'))
  );
}
