import { text } from './shape.ts';
import type { Parsed, Shape } from './shape.ts';

/** CONNECT and TRACE are left out: a tunnel cannot be judged, and TRACE echoes credentials (RFC 9110 section 9.3.8). */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** RFC 9110 section 5.6.2 `token`, without `_` and `.`: servers fold both to `-` (CVE-2026-54763, CVE-2026-88011). */
const HEADER_NAME = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;

/** What the proxy or the HTTP framing itself decides; an identity in one of these would be overwritten or dropped. */
const TAKEN = new Set(
  (
    'connection keep-alive proxy-connection te trailer transfer-encoding upgrade expect ' +
    'host content-length content-type content-encoding authorization cookie date forwarded'
  ).split(' '),
);

export const headerName: Shape<string> = text(
  'a header name of letters, digits and `-`',
  { pattern: HEADER_NAME.source },
  (value): Parsed<string> => {
    const name = value.toLowerCase();
    if (!HEADER_NAME.test(value)) {
      const dashed = value.replace(/[_.]/g, '-');
      return { wrong: `\`${value}\` is no header name`, suggestion: HEADER_NAME.test(dashed) ? dashed : undefined };
    }
    return TAKEN.has(name) ? { wrong: `\`${name}\` has another meaning already` } : { value: name };
  },
);

/** RFC 9110 section 8.3.1 without parameters: requests are compared with exactly this, so that none slips past (CVE-2026-25223). */
const MEDIA_TYPE = /^[A-Za-z0-9][\w!#$&^.+-]{0,126}\/[A-Za-z0-9][\w!#$&^.+-]{0,126}$/;
const JSON_TYPE = /^(?:application|text)\/json$|\+json$/;

export const jsonMediaType: Shape<string> = text(
  'a JSON media type such as `application/json`',
  { pattern: MEDIA_TYPE.source },
  (value): Parsed<string> => {
    const type = value.toLowerCase();
    if (MEDIA_TYPE.test(value)) {
      return JSON_TYPE.test(type) ? { value: type } : { wrong: `\`${type}\` is not JSON; only JSON can be validated` };
    }
    const bare = type.split(';')[0]?.trim();
    return {
      wrong: `\`${value}\` is no media type`,
      suggestion: bare !== undefined && MEDIA_TYPE.test(bare) ? bare : undefined,
    };
  },
);
