/** One column of a row group on its way into pages. Hot: plain fields, indexed loops over typed arrays. */
import type { ColumnChunk, Encoding, ParquetType } from 'hyparquet';
import { Encodings, PageTypes } from 'hyparquet/src/constants.js';
import { ByteWriter } from 'hyparquet-writer';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';
import { Dictionary } from '../../focus/dictionary.ts';
import { Bytes } from '../bytes.ts';
import { CODEC, type Compression, compress } from './codec.ts';
import { bitWidth, writeHybrid } from './hybrid.ts';

/** A stored column. */
export interface LeafFacts {
  readonly path: readonly string[];
  readonly type: ParquetType;
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

/** Where the bytes of a value stand; SLACK bytes behind the end are readable. */
export interface Located {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
}

/** A finished column chunk; its offsets count from its first byte. */
export interface Chunk {
  readonly pieces: readonly Uint8Array[];
  readonly facts: ColumnChunk;
}

/** Marks null among dictionary indices + 1. */
export const NULL_INDEX = 0xffffffff;

const PAGE_VALUES = 16 * 1024;
const PAGE_BYTES = 1024 * 1024;
const MAX_ENTRIES = 32 * 1024;
const MAX_DICTIONARY = 1024 * 1024;

/** Takes the values of a column in and gives out chunk after chunk; equal values are stored once while that pays. */
export class ChunkWriter {
  readonly leaf: LeafFacts;
  /** True: values are stored one by one, `index` must not be used. Changes in `endPage` only. */
  plain = false;
  readonly #compression: Compression;
  #dictionary = new Dictionary();
  /** The current page: levels of all its values, indices of those that are not null or their bytes. */
  #count = 0;
  #present = 0;
  #definitions = new Uint32Array(PAGE_VALUES);
  #repetitions = new Uint32Array(0);
  #indices = new Uint32Array(PAGE_VALUES);
  readonly #values = new Bytes(1024);
  readonly #page = new Bytes(1024);
  /** The chunk so far. */
  #pages: Uint8Array[] = [];
  #rows = 0;
  #uncompressed = 0;
  #compressed = 0;
  readonly #encodings = new Set<Encoding>();
  /** The dictionary of the chunk before did not pay. */
  #distinct = false;

  constructor(leaf: LeafFacts, compression: Compression) {
    this.leaf = leaf;
    this.#compression = compression;
    if (leaf.maxRepetition > 0) this.#repetitions = new Uint32Array(PAGE_VALUES);
  }

  /** Bytes of the chunk so far, compressed. */
  get bytes(): number {
    return this.#compressed;
  }

  /** Number of the value in the dictionary of this chunk. */
  index({ bytes, start, end }: Located): number {
    return this.#dictionary.intern(bytes, start, end);
  }

  /** Appends `count` nulls. */
  putNulls(count: number, definition = 0, repetition = 0): void {
    this.#reserve(count);
    this.#definitions.fill(definition, this.#count, this.#count + count);
    if (this.leaf.maxRepetition > 0)
      this.#repetitions.fill(repetition, this.#count, this.#count + count);
    this.#count += count;
  }

  /** Appends a value. */
  put(value: Located, repetition = 0): void {
    if (!this.plain) {
      this.putIndex(this.index(value), repetition);
      return;
    }
    this.#level(repetition);
    const values = this.#values;
    const length = value.end - value.start;
    values.reserve(4 + length);
    if (this.leaf.type === 'BYTE_ARRAY') {
      values.view.setUint32(values.length, length, true);
      values.length += 4;
    }
    values.copy(value.bytes, value.view, value.start, value.end);
    this.#present++;
  }

  /** Appends the value with this number in the dictionary. */
  putIndex(index: number, repetition = 0): void {
    this.#level(repetition);
    this.#indices[this.#present++] = index;
  }

  /** Appends a value per row: `indices` gives number + 1 of each code, NULL_INDEX for null. Not for nested columns. */
  putCodes(codes: Uint32Array, rows: number, indices: Uint32Array): void {
    this.#reserve(rows);
    const definitions = this.#definitions;
    const out = this.#indices;
    let count = this.#count;
    let present = this.#present;
    for (let row = 0; row < rows; row++) {
      const index = indices[codes[row] as number] as number;
      if (index === NULL_INDEX) definitions[count++] = 0;
      else {
        definitions[count++] = 1;
        out[present++] = index - 1;
      }
    }
    this.#count = count;
    this.#present = present;
  }

  /** To be called between rows now and then: ends the page once it is large enough. */
  endPage(): void {
    if (this.#count < PAGE_VALUES && this.#values.length < PAGE_BYTES) return;
    this.#flushPage();
    const { size, used } = this.#dictionary;
    if (this.plain || (size <= MAX_ENTRIES && used <= MAX_DICTIONARY)) return;
    this.plain = true;
    this.#distinct = size > this.#rows / 2;
  }

  /** Ends the chunk and begins the next. */
  finish(): Chunk {
    if (this.#count > 0) this.#flushPage();
    const pieces = [...this.#dictionaryPage(), ...this.#pages];
    const chunk = { pieces, facts: this.#facts(pieces.length > this.#pages.length) };
    this.#dictionary = new Dictionary();
    this.#pages = [];
    this.#rows = 0;
    this.#uncompressed = 0;
    this.#compressed = 0;
    this.#encodings.clear();
    this.plain = this.#distinct;
    return chunk;
  }

  #facts(hasDictionary: boolean): ColumnChunk {
    const [first] = this.#pages;
    const dictionaryBytes = hasDictionary ? this.#compressed - sizeOf(this.#pages) : 0;
    return {
      file_offset: 0n,
      meta_data: {
        type: this.leaf.type,
        encodings: ['RLE', 'PLAIN', ...this.#encodings].filter(unique) as Encoding[],
        path_in_schema: [...this.leaf.path],
        codec: CODEC[this.#compression],
        num_values: BigInt(this.#rows),
        total_uncompressed_size: BigInt(this.#uncompressed),
        total_compressed_size: BigInt(this.#compressed),
        data_page_offset: BigInt(first === undefined ? 0 : dictionaryBytes),
        ...(hasDictionary ? { dictionary_page_offset: 0n } : {}),
      },
    };
  }

  #level(repetition: number): void {
    const at = this.#count++;
    if (at >= this.#definitions.length) this.#enlarge(at + 1);
    this.#definitions[at] = this.leaf.maxDefinition;
    if (this.leaf.maxRepetition > 0) this.#repetitions[at] = repetition;
  }

  #reserve(more: number): void {
    if (this.#count + more > this.#definitions.length) this.#enlarge(this.#count + more);
  }

  #enlarge(count: number): void {
    const length = Math.max(count, this.#definitions.length * 2);
    this.#definitions = longer(this.#definitions, length);
    this.#indices = longer(this.#indices, length);
    if (this.leaf.maxRepetition > 0) this.#repetitions = longer(this.#repetitions, length);
  }

  #flushPage(): void {
    const page = this.#page;
    page.length = 0;
    const { maxDefinition, maxRepetition } = this.leaf;
    if (maxRepetition > 0) this.#levels(this.#repetitions, maxRepetition);
    if (maxDefinition > 0) this.#levels(this.#definitions, maxDefinition);
    if (this.plain) page.bytes(this.#values.buffer.subarray(0, this.#values.length));
    else {
      const width = bitWidth(Math.max(1, this.#dictionary.size - 1));
      page.reserve(1);
      page.byte(width);
      writeHybrid(page, this.#indices, this.#present, width);
    }
    const encoding = this.plain ? 'PLAIN' : 'RLE_DICTIONARY';
    this.#encodings.add(encoding);
    const level = Encodings.indexOf('RLE');
    this.#pages.push(
      this.#sealed(page, (sizes) => ({
        field_1: PageTypes.indexOf('DATA_PAGE'),
        ...sizes,
        field_5: {
          field_1: this.#count,
          field_2: Encodings.indexOf(encoding),
          field_3: level,
          field_4: level,
        },
      })),
    );
    this.#rows += this.#count;
    this.#count = 0;
    this.#present = 0;
    this.#values.length = 0;
  }

  /** Appends levels with their length in front. */
  #levels(levels: Uint32Array, max: number): void {
    const page = this.#page;
    page.reserve(4);
    const at = page.length;
    page.length += 4;
    writeHybrid(page, levels, this.#count, bitWidth(max));
    page.view.setUint32(at, page.length - at - 4, true);
  }

  #dictionaryPage(): Uint8Array[] {
    const { arena, starts, ends, size } = this.#dictionary;
    if (!this.#encodings.has('RLE_DICTIONARY')) return [];
    const page = this.#page;
    page.length = 0;
    if (this.leaf.type !== 'BYTE_ARRAY') page.bytes(arena.subarray(0, this.#dictionary.used));
    else
      for (let entry = 0; entry < size; entry++) {
        const start = starts[entry] as number;
        const end = ends[entry] as number;
        page.reserve(4);
        page.view.setUint32(page.length, end - start, true);
        page.length += 4;
        page.bytes(arena.subarray(start, end));
      }
    return [
      this.#sealed(page, (sizes) => ({
        field_1: PageTypes.indexOf('DICTIONARY_PAGE'),
        ...sizes,
        field_7: { field_1: size, field_2: Encodings.indexOf('PLAIN') },
      })),
    ];
  }

  /** Header and compressed bytes of a page. */
  #sealed(
    page: Bytes,
    header: (sizes: { field_2: number; field_3: number }) => Record<`field_${number}`, unknown>,
  ): Uint8Array {
    const body = compress(page.buffer.subarray(0, page.length), this.#compression);
    const writer = new ByteWriter(64);
    serializeTCompactProtocol(writer, header({ field_2: page.length, field_3: body.length }));
    const sealed = new Uint8Array(writer.index + body.length);
    sealed.set(writer.getBytes());
    sealed.set(body, writer.index);
    this.#uncompressed += writer.index + page.length;
    this.#compressed += sealed.length;
    return sealed;
  }
}

function sizeOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

function unique<T>(value: T, index: number, all: readonly T[]): boolean {
  return all.indexOf(value) === index;
}

function longer(array: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(length);
  copy.set(array);
  return copy;
}
