import type { Batch, Column } from '../focus/batch.ts';
import { Dictionary } from '../focus/dictionary.ts';
import { createResourceFold, type ResourceFold } from '../fold/resource-fold.ts';
import type { SoleTrace } from '../plugin/links.ts';
import type { Task } from './protocol.ts';
import type { WorkerPort } from './worker-port.ts';

/** Attribute of a charge's log record → what of its trace it is. Encoders make the ids fields of the record. */
const ATTRIBUTES = {
  'focus.x_trace_id': 'traceId',
  'focus.x_span_id': 'spanId',
  'finops.link.method': 'method',
  'finops.link.confidence': 'confidence',
} as const satisfies Readonly<Record<string, keyof SoleTrace>>;

/** The traces of charges whose whole cost is of one, as columns for their log records; the main thread knows them. */
export class ChargeTraces {
  readonly #port: WorkerPort;
  readonly #fold: ResourceFold;
  readonly #columns = Object.entries(ATTRIBUTES).map(([attribute, part]) => ({
    attribute,
    part,
    values: new Dictionary(),
  }));
  /** Code of each group of the fold that was asked for; 0: no trace. */
  #codes = new Uint32Array(64);
  #asked = 0;
  #traces = 0;

  constructor(port: WorkerPort, fold: ResourceFold) {
    this.#port = port;
    this.#fold = fold;
    for (const { values } of this.#columns) values.add(undefined);
  }

  /** Of the batch that the fold took last. */
  async of({ rows }: Batch): Promise<ReadonlyMap<string, Column>> {
    await this.#ask();
    if (this.#traces === 0) return new Map();
    const codes = new Uint32Array(rows);
    const { groupOf } = this.#fold;
    for (let row = 0; row < rows; row++) codes[row] = this.#codes[groupOf[row] as number] as number;
    return new Map(
      this.#columns.map(({ attribute, values }) => [attribute, { kind: 'text', codes, values }]),
    );
  }

  /** Asks for the groups that are new. */
  async #ask(): Promise<void> {
    const first = this.#asked;
    const groups = this.#fold.resourcesFrom(first);
    this.#asked += groups.length;
    if (this.#codes.length < this.#asked) {
      const larger = new Uint32Array(this.#asked * 2);
      larger.set(this.#codes);
      this.#codes = larger;
    }
    const resources = groups.filter((group) => group !== undefined);
    if (resources.length === 0) return;
    const traces = (await this.#port.traces(resources)).values();
    for (const [i, group] of groups.entries()) {
      const trace = group && traces.next().value;
      if (trace !== undefined) this.#codes[first + i] = this.#add(trace);
    }
  }

  #add(trace: SoleTrace): number {
    for (const { part, values } of this.#columns) values.add(trace[part]);
    return ++this.#traces;
  }
}

/** A fold for the traces of kept charges: their costs were counted when they were read. */
export function tracesOnly(
  { linkable, asksTraces }: Pick<Task, 'linkable' | 'asksTraces'>,
  port: WorkerPort,
): { of(batch: Batch): Promise<ReadonlyMap<string, Column>> } {
  if (linkable === undefined || asksTraces !== true) return { of: async () => new Map() };
  const fold = createResourceFold(linkable);
  const traces = new ChargeTraces(port, fold);
  return {
    of(batch) {
      fold.add(batch);
      return traces.of(batch);
    },
  };
}
