import type { EncodedChunk } from '../encode/index.ts';
import type { WorkerPort } from './worker-port.ts';

/** Sends the encoded batches of a task, numbered for each exporter. */
export class BatchSender {
  readonly #port: WorkerPort;
  readonly #part: number;
  readonly #sequence: number[] = [];
  readonly #waiting: (waits: boolean) => void;

  /** `waiting` is told before and after a wait for credit. */
  constructor(port: WorkerPort, part: number, waiting: (waits: boolean) => void = () => {}) {
    this.#port = port;
    this.#part = part;
    this.#waiting = waiting;
  }

  /** Each batch takes one credit. */
  async send(encoding: number, batches: Iterable<EncodedChunk>): Promise<void> {
    for (const { wanted = false, ...encoded } of batches) {
      this.#waiting(true);
      await this.#port.credit(encoded.bytes.length);
      const sequence = this.#sequence[encoding] ?? 0;
      this.#sequence[encoding] = sequence + 1;
      const batch = { ...encoded, part: this.#part, sequence };
      this.#port.post({ type: 'batch', encoding, batch, wanted }, [
        encoded.bytes.buffer as ArrayBuffer,
      ]);
      this.#waiting(false);
    }
  }
}
