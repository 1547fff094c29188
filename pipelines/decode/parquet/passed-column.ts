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
  /** The batch at hand: rows before it, its rows, and the column if somebody has looked at it. */
  #before = 0;
  #rows = 0;
  #column: Column | undefined;
  /** The same object for all batches, as one with accessors is costly to make. */
  readonly #shown: Column;

  constructor(
    reader: ColumnReader,
    of: { readonly batchRows: number; readonly look: (read: () => Column) => Column },
  ) {
    this.name = reader.name;
    this.kind = reader.kind;
    this.#reader = reader;
    this.#batchRows = of.batchRows;
    this.#look = of.look;
    this.#shown = shown(this.kind, () => this.#decoded());
    reader.leave();
  }

  open(group: RowGroupFacts, dataEnd: number): void {
    this.#start = () => this.#reader.open(group, dataEnd);
    this.#asked = 0;
    this.#done = 0;
  }

  read(rows: number): Column {
    this.#before = this.#asked;
    this.#rows = rows;
    this.#asked += rows;
    this.#column = undefined;
    return this.#shown;
  }

  takeRepaired(): number {
    return this.#reader.takeRepaired();
  }

  leave(): void {}

  #decoded(): Column {
    this.#column ??= this.#look(() => this.#decode());
    return this.#column;
  }

  /** The rows of the batch at hand. */
  #decode(): Column {
    this.#start?.();
    this.#start = undefined;
    while (this.#done < this.#before)
      this.#next(Math.min(this.#batchRows, this.#before - this.#done));
    return this.#next(this.#rows);
  }

  #next(rows: number): Column {
    const column = this.#reader.read(rows);
    this.#done += rows;
    return column;
  }
}

/** A column that `decoded` gives when its codes or its values are asked for. */
function shown(kind: Column['kind'], decoded: () => Column): Column {
  return {
    kind,
    get codes() {
      return decoded().codes;
    },
    get values() {
      return decoded().values;
    },
  } as Column;
}
