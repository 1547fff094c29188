import type { TextColumn } from '../../focus/batch.ts';
import { Dictionary } from '../../focus/dictionary.ts';
import { successor } from '../cells.ts';
import type { ScannedColumn } from '../text-source.ts';
import type { Kernel } from './kernel.ts';

/** One column of a part whose cells the kernel looks up. */
export class KernelColumn implements ScannedColumn {
  readonly name: string;
  readonly wanted: boolean;
  readonly #kernel: Kernel;
  readonly #column: number;
  readonly #most: number;
  /** Stand in the kernel's memory; empty when that has grown. */
  #codes: Uint32Array = new Uint32Array(0);
  #values = new Dictionary();
  #rows = 0;

  constructor(
    name: string,
    kernel: Kernel,
    of: { readonly column: number; readonly rows: number; readonly wanted: boolean },
  ) {
    this.name = name;
    this.wanted = of.wanted;
    this.#kernel = kernel;
    this.#column = of.column;
    this.#most = of.rows;
    this.#values.add(undefined);
    if (of.wanted) kernel.call.want(of.column, of.rows);
  }

  /** The dictionary gets what the kernel found anew in this batch. */
  finish(rows: number): TextColumn {
    const kernel = this.#kernel;
    const column = this.#column;
    const values = this.#values;
    kernel.call.finish(column, rows);
    if (this.#codes.length === 0) this.#codes = kernel.codes(column, this.#most);
    const [texts, ends] = kernel.entries(column, values.size, values.used);
    if (ends.length > 0) values.append(texts, ends);
    this.#rows += rows;
    return { kind: 'text', codes: this.#codes, values };
  }

  /** Prepares for the next batch: what was handed out may be overwritten now. */
  restart(): void {
    if (!this.wanted) return;
    const next = successor(this.#values, this.#rows);
    if (next !== this.#values) this.#rows = 0;
    else if (!next.transient) return;
    this.#values = next;
    this.#kernel.begin(this.#column, next.transient);
  }
}
