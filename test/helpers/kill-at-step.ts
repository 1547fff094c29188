/**
 * Loaded before the agent (`node --import`): the process ends itself, as by kill -9, in the middle of step FOCUSD_KILL_AT of one of its threads on the
 * disk below FOCUSD_KILL_BELOW.
 */
import { watchDisk } from './disk.ts';

const at = Number(process.env.FOCUSD_KILL_AT);
let steps = 0;
watchDisk(process.env.FOCUSD_KILL_BELOW ?? '', (step) => {
  if (steps++ < at) return;
  step.half();
  process.kill(process.pid, 'SIGKILL');
});
