/** `stat` says the same of these, so who watches the file sees the cure. */
const seenByTheWatch: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);
/** What a data thread, or its plane, says of a swap that may succeed another time. */
const ofABusyPlane: ReadonlySet<unknown> = new Set(['thread-busy', 'policy-bad']);

/**
 * Whether it may succeed another time although nothing that is watched changes: a process that was out of descriptors reads the
 * same file a moment later. Whatever else is wrong stands in a file.
 */
export function mayPass(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const { code, errno } = cause as NodeJS.ErrnoException;
  if (ofABusyPlane.has(code)) return true;
  return (errno !== undefined && !seenByTheWatch.has(code)) || mayPass(cause.cause);
}
