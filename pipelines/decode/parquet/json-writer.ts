/** Puts JSON texts of nested cells together from the texts of their values. Hot: bytes are copied, nothing is allocated. */
import type { Dictionary } from '../../focus/dictionary.ts';
import type { Shape } from './schema.ts';

/** The stored values of one leaf for the rows of a batch. */
export interface LeafRows {
  /** Code, repetition level and definition level of each, from high to low bits. */
  readonly cells: Uint32Array;
  readonly bits: CellBits;
  /** First stored value of each row, and behind the last. */
  readonly rowStarts: Uint32Array;
  /** JSON text of each code. */
  readonly fragments: Dictionary;
}

/** How a cell is divided. */
export interface CellBits {
  /** Bits of the definition level. */
  readonly definition: number;
  /** Bits of both levels together. */
  readonly levels: number;
}

const encoder = new TextEncoder();
const NULL = encoder.encode('null');
const COMMA = 44;
const COLON = 58;
const OPEN = { list: 91, map: 123, struct: 123 } as const;
const CLOSE = { list: 93, map: 125, struct: 125 } as const;

/** Writes one cell after the other. */
export class JsonWriter {
  /** The text of the last cell, from byte 0 on. */
  bytes = new Uint8Array(1024);
  readonly #shape: Shape;
  readonly #leaves: readonly LeafRows[];
  /** Next stored value of each leaf, and where those of the row end. */
  readonly #next: Uint32Array;
  readonly #ends: Uint32Array;
  readonly #names = new Map<Shape, readonly Uint8Array[]>();
  #length = 0;

  constructor(shape: Shape, leaves: readonly LeafRows[]) {
    this.#shape = shape;
    this.#leaves = leaves;
    this.#next = new Uint32Array(leaves.length);
    this.#ends = new Uint32Array(leaves.length);
  }

  /** Writes the cell of a row; answers its length, 0 when it is null. */
  write(row: number): number {
    for (let leaf = 0; leaf < this.#leaves.length; leaf++) {
      const { rowStarts } = this.#leaves[leaf] as LeafRows;
      this.#next[leaf] = rowStarts[row] as number;
      this.#ends[leaf] = rowStarts[row + 1] as number;
    }
    this.#length = 0;
    const shape = this.#shape;
    if (this.#definition(shape) < shape.definition) return 0;
    this.#value(shape);
    return this.#length;
  }

  /** Definition level of the next stored value of the shape. */
  #definition(shape: Shape): number {
    const { definition } = (this.#leaves[shape.first] as LeafRows).bits;
    return this.#cell(shape.first) & ((1 << definition) - 1);
  }

  /** Repetition level of the next stored value of the shape. */
  #repetition(shape: Shape): number {
    const { definition, levels } = (this.#leaves[shape.first] as LeafRows).bits;
    return (this.#cell(shape.first) & ((1 << levels) - 1)) >>> definition;
  }

  #cell(leaf: number): number {
    const at = this.#next[leaf] as number;
    if (at >= (this.#ends[leaf] as number)) throw new Error('its levels contradict one another');
    return (this.#leaves[leaf] as LeafRows).cells[at] as number;
  }

  #value(shape: Shape): void {
    const definition = this.#definition(shape);
    if (definition < shape.definition) {
      this.#skip(shape);
      this.#copy(NULL, 0, NULL.length);
      return;
    }
    if (shape.kind === 'leaf') {
      this.#fragment(shape.first);
      return;
    }
    this.#byte(OPEN[shape.kind]);
    if (shape.kind === 'struct') this.#fields(shape);
    else if (definition > shape.definition) this.#items(shape);
    else this.#skip(shape);
    this.#byte(CLOSE[shape.kind]);
  }

  #fields(shape: Shape & { readonly kind: 'struct' }): void {
    const names = this.#namesOf(shape);
    for (let field = 0; field < shape.fields.length; field++) {
      if (field > 0) this.#byte(COMMA);
      const name = names[field] as Uint8Array;
      this.#copy(name, 0, name.length);
      this.#value((shape.fields[field] as { readonly shape: Shape }).shape);
    }
  }

  #items(shape: Shape & { readonly kind: 'list' | 'map' }): void {
    for (let first = true; ; first = false) {
      if (!first) this.#byte(COMMA);
      if (shape.kind === 'list') this.#value(shape.element);
      else {
        this.#value(shape.key);
        this.#byte(COLON);
        if (shape.value === undefined) this.#copy(NULL, 0, NULL.length);
        else this.#value(shape.value);
      }
      const at = this.#next[shape.first] as number;
      if (at >= (this.#ends[shape.first] as number)) return;
      const repetition = this.#repetition(shape);
      if (repetition > shape.repetition) throw new Error('its levels contradict one another');
      if (repetition < shape.repetition) return;
    }
  }

  /** Passes over the one stored value that each leaf of the shape has when the shape is null or empty. */
  #skip(shape: Shape): void {
    for (let leaf = shape.first; leaf < shape.first + shape.count; leaf++)
      this.#next[leaf] = (this.#next[leaf] as number) + 1;
  }

  #fragment(leaf: number): void {
    const { cells, bits, fragments } = this.#leaves[leaf] as LeafRows;
    const at = this.#next[leaf] as number;
    this.#next[leaf] = at + 1;
    const code = (cells[at] as number) >>> bits.levels;
    this.#copy(fragments.arena, fragments.starts[code] as number, fragments.ends[code] as number);
  }

  #namesOf(shape: Shape & { readonly kind: 'struct' }): readonly Uint8Array[] {
    let names = this.#names.get(shape);
    if (names === undefined) {
      names = shape.fields.map((field) => encoder.encode(`${JSON.stringify(field.name)}:`));
      this.#names.set(shape, names);
    }
    return names;
  }

  #byte(value: number): void {
    if (this.#length === this.bytes.length) this.#enlarge(1);
    this.bytes[this.#length++] = value;
  }

  #copy(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#length + length > this.bytes.length) this.#enlarge(length);
    const { bytes } = this;
    let to = this.#length;
    if (length > 64) bytes.set(source.subarray(start, end), to);
    else for (let from = start; from < end; from++) bytes[to++] = source[from] as number;
    this.#length += length;
  }

  #enlarge(more: number): void {
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, this.#length + more));
    bytes.set(this.bytes.subarray(0, this.#length));
    this.bytes = bytes;
  }
}
