import { fieldValues, type HeaderList } from '../header-list.ts';

/** Below the 5 s after which many servers close an idle connection: a request must not meet that close. */
const ordinaryMs = 4000;
const longestMs = 60_000;
/** So much earlier than the workload says that it will close do we. */
const marginMs = 1000;

/** How long a connection may wait for its next request: what `Keep-Alive: timeout=N` says, or else what is safe. */
export function keepAliveMs(headers: HeaderList): number {
  const [hint] = fieldValues(headers, 'keep-alive');
  if (hint === undefined) return ordinaryMs;
  const seconds = /(?:^|[\s,;])timeout=([0-9]{1,6})/i.exec(hint)?.[1];
  return seconds === undefined ? ordinaryMs : Math.min(Number(seconds) * 1000 - marginMs, longestMs);
}
