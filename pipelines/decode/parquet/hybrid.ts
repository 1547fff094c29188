/**
 * Runs of equal values and runs of bit-packed values, as Parquet stores levels, dictionary indices and booleans.
 * Hot: plain fields, indexed loops, no allocation while reading.
 */

/** Reads such a stream piece by piece; SLACK bytes behind the end must be readable. */
export class Hybrid {
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #end = 0;
  #width = 0;
  /** Values left in the current run. */
  #left = 0;
  #packed = false;
  #value = 0;
  /** First byte of the bit-packed group that the next value is in, and its number in there. */
  #base = 0;
  #index = 0;

  /** Starts on bytes [at, end); throws when the width is impossible. */
  open(view: DataView, at: number, end: number, width: number): void {
    if (width > 32) throw new Error(`values of ${width} bits`);
    if (at > end || end > view.byteLength) throw new Error('levels reach beyond their page');
    this.#view = view;
    this.#at = at;
    this.#end = end;
    this.#width = width;
    this.#left = 0;
  }

  /** Starts on bytes that are all bit-packed, without run headers. */
  openPacked(view: DataView, at: number, end: number, width: number): void {
    this.open(view, at, end, width);
    this.#packed = true;
    this.#base = at;
    this.#index = 0;
    this.#left = Number.MAX_SAFE_INTEGER;
  }

  /** The value of the next `count` entries when they are one run, which is then behind; else -1 and nothing is consumed. */
  run(count: number): number {
    if (this.#width === 0) return 0;
    if (this.#left === 0) this.#header();
    if (this.#packed || this.#left < count) return -1;
    this.#left -= count;
    return this.#value;
  }

  /** Reads `count` entries to `out` from index `from` on. */
  read(out: Uint32Array, from: number, count: number): void {
    if (this.#width === 0) {
      out.fill(0, from, from + count);
      return;
    }
    let at = from;
    const last = from + count;
    while (at < last) {
      if (this.#left === 0) this.#header();
      const take = Math.min(this.#left, last - at);
      if (this.#packed) this.#unpack(out, at, take);
      else out.fill(this.#value, at, at + take);
      this.#left -= take;
      at += take;
    }
  }

  #header(): void {
    while (this.#left === 0) {
      const header = this.#varint();
      this.#packed = (header & 1) === 1;
      this.#left = this.#packed ? (header >>> 1) * 8 : header >>> 1;
      if (this.#packed) this.#startPacked();
      else this.#startRun();
    }
  }

  #startPacked(): void {
    this.#base = this.#at;
    this.#index = 0;
    this.#at = Math.min(this.#end, this.#at + (this.#left / 8) * this.#width);
  }

  #startRun(): void {
    const bytes = (this.#width + 7) >> 3;
    if (this.#at + bytes > this.#end) throw new Error('a run ends too early');
    let value = 0;
    for (let i = 0; i < bytes; i++) value |= this.#view.getUint8(this.#at++) << (8 * i);
    this.#value = value >>> 0;
  }

  #unpack(out: Uint32Array, from: number, count: number): void {
    const view = this.#view;
    const width = this.#width;
    const base = this.#base;
    let bit = this.#index * width;
    if (base + ((bit + count * width + 7) >>> 3) > this.#end)
      throw new Error('packed values end too early');
    const last = from + count;
    if (width === 8) {
      let byte = base + this.#index;
      for (let at = from; at < last; at++) out[at] = view.getUint8(byte++);
    } else if (width <= 25) {
      const mask = (1 << width) - 1;
      for (let at = from; at < last; at++) {
        out[at] = (view.getUint32(base + (bit >>> 3), true) >>> (bit & 7)) & mask;
        bit += width;
      }
    } else {
      const mask = width === 32 ? 0xffffffff : (1 << width) - 1;
      for (let at = from; at < last; at++) {
        const byte = base + (bit >>> 3);
        const shift = bit & 7;
        const low = view.getUint32(byte, true) >>> shift;
        const high = shift === 0 ? 0 : view.getUint8(byte + 4) << (32 - shift);
        out[at] = (low | high) & mask;
        bit += width;
      }
    }
    const index = this.#index + count;
    this.#base = base + (index >>> 3) * width;
    this.#index = index & 7;
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.#at >= this.#end) throw new Error('a page has fewer values than it says');
      const byte = this.#view.getUint8(this.#at++);
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    throw new Error('a run has an impossible length');
  }
}
