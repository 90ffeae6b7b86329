import type { Answer } from './client.ts';

/**
 * All answers in what one connection received. Final answers of the proxy to these tests have a Content-Length or are
 * chunked; `methods` are those of the requests, because HEAD has no body.
 */
export function parseAnswers(text: string, methods: readonly string[] = []): readonly Answer[] {
  const answers: Answer[] = [];
  for (let rest = text; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) throw new Error(`no whole head in ${JSON.stringify(rest)}`);
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n');
    const [, status] = /^HTTP\/1\.1 ([1-5][0-9]{2}) /.exec(statusLine) ?? [];
    if (status === undefined) throw new Error(`no status line in ${JSON.stringify(rest)}`);
    const headers = new Map(
      lines.map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.replace(/^[^:]*: ?/, '')]),
    );
    rest = rest.slice(end + 4);
    const interim = Number(status) < 200;
    const method = methods[answers.filter((answer) => answer.status >= 200).length];
    const length = interim || status === '204' || status === '304' || method === 'HEAD' ? 0 : bodyLength(headers, rest);
    answers.push({ status: Number(status), headers, body: rest.slice(0, length) });
    rest = rest.slice(length);
  }
  return answers;
}

/** How many characters the body takes, framing included. */
function bodyLength(headers: ReadonlyMap<string, string>, rest: string): number {
  if (headers.get('transfer-encoding') === 'chunked') {
    const end = rest.indexOf('0\r\n\r\n');
    return end === -1 ? rest.length : end + 5;
  }
  const length = Number(headers.get('content-length'));
  if (Number.isNaN(length) || rest.length < length) throw new Error('a body without its whole length');
  return length;
}
