import { type Denial, deny } from '../denial.ts';

/**
 * What undici or the system says about a failed exchange, as one of our codes.
 * @param sent whether the request had been handed to a connection: only before that has the workload surely not seen it
 */
export function upstreamFailure(error: Error, sent: boolean): Denial {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const detail = `the workload: ${code}`;
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return deny('upstream-timeout', { detail });
  if (code.startsWith('HPE_') || garbage.has(code)) return deny('upstream-malformed', { detail });
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return deny('upstream-too-large', { detail });
  if (!sent || unreachable.has(code)) return deny('upstream-unreachable', { detail });
  // undici reports a broken framing as a socket error with the parser's word for it.
  return /bad response|bad upgrade/.test(error.message)
    ? deny('upstream-malformed', { detail })
    : deny('upstream-reset', { detail });
}

const garbage: ReadonlySet<string> = new Set([
  // The parser's own error often has a name only.
  'HTTPParserError',
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_INVALID_RETURN_VALUE',
]);

const unreachable: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EACCES',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
