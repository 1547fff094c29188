/** The pages of one column chunk, one at a time, inflated into memory that is used again. */
import { crc32 } from 'node:zlib';
import type { ParquetType } from 'hyparquet';
import { SLACK } from '../../focus/dictionary.ts';
import { AHEAD, ChunkBytes } from './chunk-bytes.ts';
import { decompress, knownCodec } from './codecs.ts';
import type { RowGroupFacts } from './footer.ts';
import { count } from './footer.ts';
import { type PageHeader, readPageHeader } from './page-header.ts';
import type { PartFile } from './part-file.ts';
import { plainLayout } from './rare-encodings.ts';
import type { Leaf } from './schema.ts';
import { PageMemory, type Scratch } from './scratch.ts';
import { Stream } from './stream.ts';

/** Where the values of a page stand; SLACK bytes behind the end can be read. */
export interface Run {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  readonly end: number;
}

/** A page of values as it stands in the file. */
export interface StoredPage {
  readonly header: PageHeader;
  readonly codec: string;
  readonly bytes: Uint8Array;
  /** `bytes` stay until the column's next page is read. */
  readonly held: boolean;
  /** Values of the chunk from this page on. */
  readonly values: number;
}

const HEADER_WINDOW = 8 * 1024;
const MAX_HEADER = 64 * 1024 * 1024;
const NOTHING: Run = {
  bytes: new Uint8Array(8),
  view: new DataView(new ArrayBuffer(8)),
  at: 0,
  end: 0,
};

const NO_PAGE: StoredPage = {
  header: {
    type: 'INDEX_PAGE',
    headerBytes: 0,
    compressedBytes: 0,
    uncompressedBytes: 0,
    values: 0,
    encoding: 'PLAIN',
    repetitionBytes: 0,
    definitionBytes: 0,
    levelEncoding: 'RLE',
    compressed: false,
    crc32: undefined,
  },
  codec: '',
  bytes: NOTHING.bytes,
  held: false,
  values: 0,
};

/** Bytes of a value of each type; 0: each has its own length. */
function valueWidth(type: ParquetType | undefined, typeLength: number | undefined): number {
  switch (type) {
    case 'INT32':
    case 'FLOAT':
      return 4;
    case 'INT64':
    case 'DOUBLE':
      return 8;
    case 'INT96':
      return 12;
    case 'FIXED_LEN_BYTE_ARRAY':
      if (typeLength === undefined || typeLength < 1) throw new Error('values without a length');
      return typeLength;
    default:
      return 0;
  }
}

/** Goes through the pages of a column, chunk by chunk. */
export class Pages {
  readonly repetition: Stream;
  readonly definition: Stream;
  readonly indices: Stream;
  /** Whether the values of the current page are indices into the dictionary; else they stand in `plain`. */
  indexed = false;
  plain: Run = NOTHING;
  /** Valid from the opening of a page with values to that of the next. */
  page: StoredPage = NO_PAGE;
  /** Values of the current page that were not taken yet, nulls included. */
  left = 0;
  readonly width: number;
  readonly #bytes: ChunkBytes;
  readonly #leaf: Leaf;
  #codec = '';
  #position = 0;
  #end = 0;
  /** Values in pages that were not opened yet. */
  #values = 0;
  #hasDictionary = false;
  /** Keeps a page whose values stand in it. */
  readonly #own = new PageMemory();
  readonly #shared: PageMemory;

  constructor(file: PartFile, leaf: Leaf, shared: Scratch) {
    this.#bytes = new ChunkBytes(file, shared);
    this.#shared = shared.page;
    this.repetition = new Stream(shared.kernel);
    this.definition = new Stream(shared.kernel);
    this.indices = new Stream(shared.kernel);
    this.#leaf = leaf;
    this.width = valueWidth(leaf.element.type, leaf.element.type_length);
  }

  /** Starts on the leaf's chunk of a row group. */
  open(group: RowGroupFacts, dataEnd: number): void {
    const chunk = group.chunks[this.#leaf.index];
    const facts = chunk?.meta_data;
    if (chunk === undefined || facts === undefined)
      throw new Error('the footer does not describe it');
    if (chunk.file_path !== undefined && chunk.file_path !== '')
      throw new Error(`its data stands in another file, ${chunk.file_path}`);
    if (facts.type !== this.#leaf.element.type) throw new Error('its type differs from the schema');
    const codec = facts.codec ?? 'of an unknown number';
    if (!knownCodec(codec)) throw new Error(`the codec ${codec} is not supported`);
    const data = count(facts.data_page_offset);
    const values = count(facts.num_values);
    const dictionary = count(facts.dictionary_page_offset) ?? 0;
    if (data === undefined || values === undefined) throw new Error('its place is impossible');
    const start = dictionary > 0 && dictionary < data ? dictionary : data;
    if (start < 4 || start > dataEnd) throw new Error('its place is outside of the file');
    if (this.#leaf.maxRepetition === 0 && values !== group.rows)
      throw new Error(`it has ${values} values where the row group has ${group.rows} rows`);
    this.#codec = codec;
    this.#position = start;
    this.#end = dataEnd;
    this.#bytes.open(Math.min(dataEnd, start + (count(facts.total_compressed_size) ?? 0)));
    this.#values = values;
    this.#hasDictionary = false;
    this.left = 0;
  }

  /**
   * Opens the next page when all values of the current one are taken; false: there is none. The values of a dictionary
   * page are given to `dictionary` on the way. A page of which `isKnown` says that its values are known from elsewhere is
   * not inflated; it counts as indexed, only `left` can be used.
   */
  ready(dictionary: (values: Run, count: number) => void, isKnown?: () => boolean): boolean {
    while (this.left === 0) {
      if (this.#values === 0) return false;
      const header = this.#header();
      if (header.type === 'DICTIONARY_PAGE') this.#dictionary(header, dictionary);
      else if (header.type !== 'INDEX_PAGE') this.#dataPage(header, isKnown);
      this.#position += header.headerBytes + header.compressedBytes;
    }
    return true;
  }

  #header(): PageHeader {
    const available = Math.min(this.#end - this.#position, MAX_HEADER);
    if (available <= 0) throw new Error('a page header cannot be read');
    let bytes = this.#bytes.ahead(this.#position);
    for (let window = HEADER_WINDOW; ; window *= 16) {
      const header = readPageHeader(bytes);
      if (header !== undefined) {
        if (this.#position + header.headerBytes + header.compressedBytes > this.#end)
          throw new Error('a page reaches beyond the end of the file');
        return header;
      }
      if (bytes.length >= available) throw new Error('a page header cannot be read');
      bytes = this.#bytes.read(this.#position, Math.min(window, available));
    }
  }

  /** The page as it stands in the file. */
  #stored(header: PageHeader): Uint8Array {
    const position = this.#position + header.headerBytes;
    const bytes = this.#bytes.read(position, header.compressedBytes);
    verify(header, bytes);
    return bytes;
  }

  /** Inflates the page to `page`. */
  #inflate(header: PageHeader, input: Uint8Array, page: PageMemory): void {
    const { uncompressedBytes } = header;
    page.fit(uncompressedBytes);
    if (this.#codec === 'UNCOMPRESSED' || !header.compressed) {
      if (input.length !== uncompressedBytes)
        throw new Error('a page that is not compressed has two sizes');
      page.bytes.set(input);
      return;
    }
    const levels = header.repetitionBytes + header.definitionBytes;
    page.bytes.set(input.subarray(0, levels));
    decompress(this.#codec, input.subarray(levels), {
      output: page.bytes,
      at: levels,
      size: uncompressedBytes - levels,
    });
  }

  #dictionary(header: PageHeader, take: (values: Run, count: number) => void): void {
    if (this.#hasDictionary) throw new Error('a second dictionary');
    if (header.encoding !== 'PLAIN' && header.encoding !== 'PLAIN_DICTIONARY')
      throw new Error(`a dictionary in the encoding ${header.encoding}`);
    const page = this.#shared;
    this.#inflate(header, this.#stored(header), page);
    this.#hasDictionary = true;
    const { bytes, view } = page;
    take({ bytes, view, at: 0, end: header.uncompressedBytes }, header.values);
  }

  #dataPage(header: PageHeader, isKnown?: () => boolean): void {
    if (header.values > this.#values)
      throw new Error(`a page has ${header.values} values where ${this.#values} are left`);
    const bytes = this.#stored(header);
    const held = bytes.length <= AHEAD;
    this.page = { header, codec: this.#codec, bytes, held, values: this.#values };
    if (this.#hasDictionary && isKnown?.() === true) this.indexed = true;
    else {
      const page = isIndices(header.encoding) ? this.#shared : this.#own;
      this.#inflate(header, bytes, page);
      const isFirst = header.type === 'DATA_PAGE';
      const start = isFirst ? this.#levelsV1(header, page) : this.#levelsV2(header, page);
      this.#openValues(header, start, page);
    }
    this.#values -= header.values;
    this.left = header.values;
  }

  /** Levels of a version 1 page carry their own length. */
  #levelsV1(header: PageHeader, { bytes: page, view }: PageMemory): number {
    const { maxRepetition, maxDefinition } = this.#leaf;
    if (maxRepetition + maxDefinition > 0 && header.levelEncoding !== 'RLE')
      throw new Error(`levels in the encoding ${header.levelEncoding} are not supported`);
    let at = 0;
    const end = header.uncompressedBytes;
    for (const [levels, max] of [
      [this.repetition, maxRepetition],
      [this.definition, maxDefinition],
    ] as const) {
      if (max === 0) continue;
      if (at + 4 > end) throw new Error('a page is too short');
      const bytes = view.getUint32(at, true);
      if (at + 4 + bytes > end) throw new Error('levels reach beyond their page');
      levels.open(page, at + 4, at + 4 + bytes, bitWidth(max));
      at += 4 + bytes;
    }
    return at;
  }

  #levelsV2(header: PageHeader, { bytes: page }: PageMemory): number {
    const { repetitionBytes, definitionBytes } = header;
    const { maxRepetition, maxDefinition } = this.#leaf;
    const end = repetitionBytes + definitionBytes;
    this.repetition.open(page, 0, repetitionBytes, bitWidth(maxRepetition));
    this.definition.open(page, repetitionBytes, end, bitWidth(maxDefinition));
    return end;
  }

  #openValues(header: PageHeader, start: number, page: PageMemory): void {
    const { bytes, view } = page;
    const end = header.uncompressedBytes;
    const { type } = this.#leaf.element;
    const { encoding } = header;
    this.indexed = true;
    if (type === 'BOOLEAN') {
      this.#openBooleans(encoding, bytes, start, end);
      return;
    }
    if (isIndices(encoding)) {
      if (!this.#hasDictionary) throw new Error('indices without a dictionary');
      const width = start < end ? view.getUint8(start) : 0;
      this.indices.open(bytes, Math.min(start + 1, end), end, width);
      return;
    }
    this.indexed = false;
    if (encoding === 'PLAIN') {
      this.plain = { bytes, view, at: start, end };
      return;
    }
    const laidOut = plainLayout(
      encoding,
      { view, start, end },
      { type: type ?? 'BYTE_ARRAY', width: this.width, maxValues: header.values },
    );
    if (laidOut === undefined) throw new Error(`the encoding ${encoding} is not supported`);
    const plain = new Uint8Array(laidOut.length + SLACK);
    plain.set(laidOut);
    const laidOutView = new DataView(plain.buffer);
    this.plain = { bytes: plain, view: laidOutView, at: 0, end: laidOut.length };
  }

  /** Booleans are indices into false, true. */
  #openBooleans(encoding: string, page: Uint8Array, start: number, end: number): void {
    if (encoding === 'PLAIN') this.indices.openPacked(page, start, end, 1);
    else if (encoding === 'RLE') this.indices.open(page, Math.min(start + 4, end), end, 1);
    else throw new Error(`booleans in the encoding ${encoding}`);
  }
}

/** Damage that inflating does not notice would go on as other money. */
function verify(header: PageHeader, bytes: Uint8Array): void {
  if (header.crc32 !== undefined && crc32(bytes) !== header.crc32)
    throw new Error('a page is damaged, its CRC-32 is another than its header says');
}

function isIndices(encoding: string): boolean {
  return encoding === 'RLE_DICTIONARY' || encoding === 'PLAIN_DICTIONARY';
}

function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}
