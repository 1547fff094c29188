/**
 * Memory that encoded bytes travel in. What was sent comes back and serves again: fresh memory for every batch costs more
 * than filling it.
 */

/** Buffers that came back. One pool per thread. */
const idle: ArrayBuffer[] = [];
const MOST_IDLE = 4;
/** Smaller ones are not worth the way back. */
const MIN_BYTES = 256 << 10;
/** A buffer is not taken for less than this part of it. */
const MOST_UNUSED = 4;

/** Bytes on their way out. */
export interface Sendable {
  /** In memory of its own, which may be larger. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Once nobody reads them any more, `returnBuffer` wants their buffer. */
  readonly wanted: boolean;
}

/** A copy that can be sent. `most`: the size that further copies will have at most. */
export function sendable(bytes: Uint8Array, most: number): Sendable {
  const { length } = bytes;
  const wanted = length >= MIN_BYTES;
  const buffer = wanted ? takeBuffer(length, Math.max(length, most)) : fresh(length);
  const copy = new Uint8Array(buffer, 0, length);
  copy.set(bytes);
  return { bytes: copy, wanted };
}

/** Takes back a buffer that `sendable` gave out. */
export function returnBuffer(buffer: ArrayBuffer): void {
  if (idle.length < MOST_IDLE && buffer.byteLength >= MIN_BYTES) idle.push(buffer);
}

function takeBuffer(bytes: number, most: number): ArrayBuffer {
  for (let at = idle.length - 1; at >= 0; at--) {
    const size = (idle[at] as ArrayBuffer).byteLength;
    if (size >= bytes && size <= bytes * MOST_UNUSED) return idle.splice(at, 1)[0] as ArrayBuffer;
  }
  // What lies there for other sizes makes room.
  if (idle.length === MOST_IDLE) idle.shift();
  return fresh(bytes * MOST_UNUSED >= most ? most : bytes);
}

/** Not cleared. */
function fresh(bytes: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(bytes).buffer;
}
