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
    const width = this.#width;
    if (this.#base + (((this.#index + count) * width + 7) >>> 3) > this.#end)
      throw new Error('packed values end too early');
    const last = from + count;
    if (width > 8) this.#unpackEach(out, from, last);
    else {
      const whole = Math.min(last, from + (-this.#index & 7));
      if (whole > from) this.#unpackEach(out, from, whole);
      const rest = last - ((last - whole) & 7);
      if (rest > whole) this.#unpackEights(out, whole, rest);
      if (last > rest) this.#unpackEach(out, rest, last);
    }
  }

  /** Unpacks groups of eight values of at most eight bits each, to `out` [from, last). */
  #unpackEights(out: Uint32Array, from: number, last: number): void {
    const view = this.#view;
    const width = this.#width;
    const mask = (1 << width) - 1;
    const second = width * 2;
    const third = width * 3;
    // Four values fill so many whole bytes, and so many bits of the next.
    const half = width >>> 1;
    const odd = (width & 1) << 2;
    let byte = this.#base;
    for (let at = from; at < last; at += 8) {
      const four = view.getUint32(byte, true);
      out[at] = four & mask;
      out[at + 1] = (four >>> width) & mask;
      out[at + 2] = (four >>> second) & mask;
      out[at + 3] = (four >>> third) & mask;
      const more = view.getUint32(byte + half, true) >>> odd;
      out[at + 4] = more & mask;
      out[at + 5] = (more >>> width) & mask;
      out[at + 6] = (more >>> second) & mask;
      out[at + 7] = (more >>> third) & mask;
      byte += width;
    }
    this.#base = byte;
  }

  /** Unpacks one value after the other to `out` [from, last). */
  #unpackEach(out: Uint32Array, from: number, last: number): void {
    const view = this.#view;
    const width = this.#width;
    const base = this.#base;
    let bit = this.#index * width;
    if (width <= 25) {
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
    const index = this.#index + last - from;
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
