import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

const namespaces = ['user', 'pid', 'ipc', 'uts', 'cgroup-try'].map((name) => `--unshare-${name}`);

/** The command line that starts `words` over an unpacked image: read-only, as nobody, without a capability. */
export function confine({ rootfs, image, mounts = [] }, words) {
  const limits = ['prlimit', '--nofile=1024', '--core=0', 'bwrap', '--die-with-parent', '--new-session'];
  const nobody = ['--cap-drop', 'ALL', '--uid', '65532', '--gid', '65532', '--clearenv', '--chdir', image.WorkingDir];
  const root = ['--ro-bind', rootfs, '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'];
  const environment = (image.Env ?? []).flatMap((each) => ['--setenv', ...each.split(/=(.*)/s).slice(0, 2)]);
  return limits.concat(namespaces, nobody, root, mounts, environment, '--', words);
}

/** Whichever of its threads has started them. */
const childrenOf = (pid) =>
  readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' '))
    .filter(Boolean)
    .map(Number);

/** A process and all that it has started. */
export const processTree = (pid) => [pid, ...childrenOf(pid).flatMap(processTree)];

/** What bubblewrap has started: the processes above it are not of Node, and below it may be what it has started itself. */
export function innermost(pid) {
  if (basename(readlinkSync(`/proc/${pid}/exe`)) === 'node') return pid;
  const [child] = childrenOf(pid);
  return child === undefined ? pid : innermost(child);
}
