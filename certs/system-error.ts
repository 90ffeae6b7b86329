import { getSystemErrorMessage } from 'node:util';

/** What the system said, in words: `no such file or directory` instead of `ENOENT`. */
export function systemErrorText(cause: unknown): string {
  const { errno, message } = cause as NodeJS.ErrnoException;
  return errno === undefined ? message : getSystemErrorMessage(errno);
}
