import type { MessagePort } from 'node:worker_threads';
import { returnBuffer } from '../encode/index.ts';
import type { ChargedResource, SoleTrace } from '../plugin/links.ts';
import type { MainMessage, WorkerMessage } from './protocol.ts';

/** The worker's end of a task's port: sends batches as long as it has credits, else waits for the main thread. */
export interface WorkerPort {
  /** Sends at once; the buffers listed are moved, not copied. Throws when the main thread gave up. */
  post(message: WorkerMessage, moved?: readonly ArrayBuffer[]): void;
  /** Takes a credit for a batch of so many bytes, waiting for one if need be; throws when the main thread gave up. */
  credit(bytes: number): Promise<void>;
  /** The trace of each; one call at a time. Throws when the main thread gave up. */
  traces(resources: readonly ChargedResource[]): Promise<readonly (SoleTrace | undefined)[]>;
  close(): void;
}

/** Bytes of batches under way beside which no other is sent: two requests that are not compressed fit. */
const MOST_BYTES = 8 << 20;

/** Wraps the port. It starts without credits; the main thread grants them. */
export function workerPort(port: MessagePort): WorkerPort {
  let credits = 0;
  let underWay = 0;
  let stopped = false;
  let wake: (() => void) | undefined;
  let traces: readonly (SoleTrace | undefined)[] | undefined;
  const told = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  port.on('message', (message: MainMessage) => {
    if (message.type === 'stop') stopped = true;
    else if (message.type === 'traces') traces = message.traces;
    else {
      credits += message.credits;
      underWay -= message.bytes ?? 0;
      for (const buffer of message.buffers ?? []) returnBuffer(buffer);
    }
    wake?.();
    wake = undefined;
  });
  const post: WorkerPort['post'] = (message, moved = []) => {
    if (stopped) throw new Stopped();
    port.postMessage(message, [...moved]);
  };
  return {
    post,
    credit: async (bytes) => {
      const isFull = (): boolean =>
        credits === 0 || (underWay > 0 && underWay + bytes > MOST_BYTES);
      while (isFull() && !stopped) await told();
      if (stopped) throw new Stopped();
      credits--;
      underWay += bytes;
    },
    traces: async (resources) => {
      traces = undefined;
      post({ type: 'resources', resources });
      while (traces === undefined && !stopped) await told();
      if (traces === undefined) throw new Stopped();
      return traces;
    },
    close: () => port.close(),
  };
}

/** The delivery was given up; nobody waits for the rest. */
class Stopped extends Error {
  override readonly name = 'Stopped';
}
