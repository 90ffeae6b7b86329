/** Which of the parts of the input that take the longest to build a policy can read at all. */
export type InputReads = { readonly headers: boolean; readonly body: boolean; readonly portcullis: boolean };

export const readsAll: InputReads = Object.freeze({ headers: true, body: true, portcullis: true });

/** @param paths what the policy can read, as names from the top; undefined where nobody knows */
export function inputReads(paths: readonly (readonly string[])[] | undefined): InputReads {
  if (paths === undefined) return readsAll;
  const reads = (...part: readonly string[]) => paths.some((path) => meet(path, part));
  return Object.freeze({
    headers: reads('attributes', 'request', 'http', 'headers'),
    body: reads('attributes', 'request', 'http', 'body'),
    portcullis: reads('portcullis'),
  });
}

/** Whether one of the two leads to the other. */
function meet(path: readonly string[], part: readonly string[]): boolean {
  return path.every((name, index) => index >= part.length || name === part[index]);
}
