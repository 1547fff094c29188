import type { Column } from '../../focus/batch.ts';
import type { ColumnReader } from './flat-column.ts';
import type { RowGroupFacts } from './footer.ts';

/** Reads a column that nobody said would be looked at: where somebody does, it is decoded, with what was passed over of its row group. */
export class PassedColumn implements ColumnReader {
  readonly name: string;
  readonly kind: Column['kind'];
  readonly #reader: ColumnReader;
  readonly #batchRows: number;
  /** Called with what decodes, where somebody looks. */
  readonly #look: (read: () => Column) => Column;
  /** Starts on the row group; undefined: that is done. */
  #start: (() => void) | undefined;
  /** Rows of the row group that were asked for, and those that are decoded. */
  #asked = 0;
  #done = 0;

  constructor(
    reader: ColumnReader,
    of: { readonly batchRows: number; readonly look: (read: () => Column) => Column },
  ) {
    this.name = reader.name;
    this.kind = reader.kind;
    this.#reader = reader;
    this.#batchRows = of.batchRows;
    this.#look = of.look;
    reader.leave();
  }

  open(group: RowGroupFacts, dataEnd: number): void {
    this.#start = () => this.#reader.open(group, dataEnd);
    this.#asked = 0;
    this.#done = 0;
  }

  read(rows: number): Column {
    const before = this.#asked;
    this.#asked += rows;
    let column: Column | undefined;
    const read = (): Column => {
      column ??= this.#look(() => this.#decode(before, rows));
      return column;
    };
    return {
      kind: this.kind,
      get codes() {
        return read().codes;
      },
      get values() {
        return read().values;
      },
    } as Column;
  }

  takeRepaired(): number {
    return this.#reader.takeRepaired();
  }

  leave(): void {}

  /** The `rows` rows behind the first `before` of the row group. */
  #decode(before: number, rows: number): Column {
    this.#start?.();
    this.#start = undefined;
    while (this.#done < before) this.#next(Math.min(this.#batchRows, before - this.#done));
    return this.#next(rows);
  }

  #next(rows: number): Column {
    const column = this.#reader.read(rows);
    this.#done += rows;
    return column;
  }
}
