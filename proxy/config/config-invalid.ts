import { ProxyError } from '../errors.ts';
import { type ConfigProblem, formatProblem } from './problem.ts';

/** What a start or a reload fails with. */
export function configInvalid(problems: readonly ConfigProblem[], cwd: string): ProxyError {
  return new ProxyError('config-invalid', listProblems(problems, cwd));
}

function listProblems(problems: readonly ConfigProblem[], cwd: string): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return [count, ...problems.map((problem) => `  ${formatProblem(problem, cwd)}`)].join('\n');
}
