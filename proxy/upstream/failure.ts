import { type Denial, deny } from '../denial.ts';

/** The workload has surely not seen the request. */
export function connectFailure(error: Error): Denial {
  return deny('upstream-unreachable', { detail: `the workload: ${codeOf(error)}` });
}

/** The request was handed to a connection: the workload may have acted on it. */
export function connectionFailure(error: Error): Denial {
  return deny('upstream-reset', { detail: `the workload: ${codeOf(error)}` });
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
