/** Charges as CloudEvents 1.0 in JSON, one event per line, a FOCUS row its data. Hot: `#record` runs once per charge. */
import type { Batch } from '../../focus/batch.ts';
import type { ChargeIds } from '../../focus/charge-ids.ts';
import { columnFact, columnsOf, type OutputVersion } from '../../focus/columns.ts';
import { eventName } from '../attributes.ts';
import type { Bytes } from '../bytes.ts';
import { idsOf, UID_BYTES, writeUid } from '../charge-uid.ts';
import type { BatchEncoder, ChargeExtras, EncoderOptions } from '../encoder.ts';
import { type Key, keyOf, type NamedColumn } from '../field.ts';
import { writeMember } from '../focus-ndjson/index.ts';
import type { Plan } from '../plan.ts';
import { eachRecord, type RecordFormat, type RowsAhead, recordEncoder } from '../records.ts';

/** What the events say of themselves. */
export interface CloudEventOptions
  extends Pick<EncoderOptions, 'observedMs' | 'uidPrefix' | 'scopeVersion'> {
  readonly version: OutputVersion;
  /** Of every event. */
  readonly source: string;
  readonly maxBytes: number;
}

/** An encoder to lines of CloudEvents. */
export function createCloudEventEncoder(options: CloudEventOptions): BatchEncoder {
  const { maxBytes } = options;
  return recordEncoder(new CloudEventFormat(options), { maxBytes, compression: 'none' });
}

const encoder = new TextEncoder();
const TAIL = encoder.encode('}}\n');

class CloudEventFormat implements RecordFormat {
  readonly ordered = false;
  readonly write = writeMember;
  readonly tail = 0;
  readonly #options: CloudEventOptions;
  readonly #beforeId: Uint8Array;
  readonly #columns: ReadonlySet<string>;
  readonly #keys = new Map<string, Key>();
  #afterId = new Uint8Array(0);
  #plan: Plan | undefined;
  #ids: ChargeIds | undefined;

  constructor(options: CloudEventOptions) {
    this.#options = options;
    const id = JSON.stringify(`${options.uidPrefix}-`).slice(0, -1);
    this.#beforeId = encoder.encode(`{"specversion":"1.0","id":${id}`);
    this.#columns = new Set(columnsOf(options.version));
  }

  /** Those of the FOCUS version, custom ones, and the owner as one of these. */
  columns(batch: Batch): readonly NamedColumn[] {
    const named: NamedColumn[] = [];
    for (const [name, column] of batch.columns) {
      const written = name === 'owner' ? 'x_Owner' : name;
      if (!this.#columns.has(written) && !written.startsWith('x_')) continue;
      named.push({ key: this.#key(written), column });
    }
    return named;
  }

  begin(plan: Plan, _: Batch, extras: ChargeExtras): number {
    const { source, observedMs } = this.#options;
    const rest = {
      source,
      type: eventName(extras),
      time: new Date(observedMs).toISOString(),
      datacontenttype: 'application/json',
    };
    const afterId = encoder.encode(`",${JSON.stringify(rest).slice(1, -1)},"data":{`);
    this.#afterId = Buffer.concat([afterId, plan.head]);
    this.#plan = plan;
    this.#ids = idsOf(extras);
    return this.#beforeId.length + UID_BYTES + this.#afterId.length + TAIL.length;
  }

  open(): void {}

  records(out: Bytes, ahead: RowsAhead): number {
    return eachRecord(out, ahead, this.#record);
  }

  readonly #record = (out: Bytes, row: number): void => {
    const { buffer } = out;
    buffer.set(this.#beforeId, out.length);
    let end = out.length + this.#beforeId.length;
    end = writeUid(buffer, end, this.#ids as ChargeIds, row);
    buffer.set(this.#afterId, end);
    end = (this.#plan as Plan).copy(row, end + this.#afterId.length);
    if (buffer[end - 1] === 44) end--;
    buffer.set(TAIL, end);
    out.length = end + TAIL.length;
  };

  close(): number {
    return 0;
  }

  #key(name: string): Key {
    let key = this.#keys.get(name);
    if (key === undefined) {
      const bytes = encoder.encode(`${JSON.stringify(name)}:`);
      key = keyOf(name, bytes, columnFact(name)?.kind === 'json');
      this.#keys.set(name, key);
    }
    return key;
  }
}
