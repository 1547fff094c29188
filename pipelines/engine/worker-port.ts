import type { MessagePort } from 'node:worker_threads';
import { returnBuffer } from '../encode/index.ts';
import type { MainMessage, WorkerMessage } from './protocol.ts';

/** The worker's end of a task's port: sends batches as long as it has credits, else waits for the main thread. */
export interface WorkerPort {
  /** Sends at once; the buffers listed are moved, not copied. Throws when the main thread gave up. */
  post(message: WorkerMessage, moved?: readonly ArrayBuffer[]): void;
  /** Takes a credit, waiting for one if need be; throws when the main thread gave up. */
  credit(): Promise<void>;
  close(): void;
}

/** Wraps the port. It starts without credits; the main thread grants them. */
export function workerPort(port: MessagePort): WorkerPort {
  let credits = 0;
  let stopped = false;
  let wake: (() => void) | undefined;
  port.on('message', (message: MainMessage) => {
    if (message.type === 'stop') stopped = true;
    else {
      credits += message.credits;
      for (const buffer of message.buffers ?? []) returnBuffer(buffer);
    }
    wake?.();
    wake = undefined;
  });
  return {
    post: (message, moved = []) => {
      if (stopped) throw new Stopped();
      port.postMessage(message, [...moved]);
    },
    credit: async () => {
      while (credits === 0 && !stopped)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (stopped) throw new Stopped();
      credits--;
    },
    close: () => port.close(),
  };
}

/** The delivery was given up; nobody waits for the rest. */
class Stopped extends Error {
  override readonly name = 'Stopped';
}
