import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Ends a child when this process ends, however it ends: a shell waits at a pipe that the system closes
 * with this process, and then kills the child.
 */
export function leash(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const watcher = spawn('sh', ['-c', `read _; kill -9 ${child.pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.on('error', () => {});
  watcher.unref();
  child.once('exit', () => watcher.kill('SIGKILL'));
}
