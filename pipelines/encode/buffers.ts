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
  /** The only user of their buffer, which may be larger. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Once nobody reads them any more, `returnBuffer` wants their buffer. */
  readonly wanted: boolean;
}

/** The bytes as they are, or a copy of them where their buffer is much too large to send. */
export function sendable(bytes: Uint8Array<ArrayBuffer>): Sendable {
  const { length, buffer } = bytes;
  if (buffer.byteLength <= length * MOST_UNUSED)
    return { bytes, wanted: buffer.byteLength >= MIN_BYTES };
  const copy = new Uint8Array(takeBuffer(length), 0, length);
  copy.set(bytes);
  return { bytes: copy, wanted: length >= MIN_BYTES };
}

/** A buffer of so many bytes or some more, not cleared: one that came back, or a new one. */
export function takeBuffer(bytes: number): ArrayBuffer {
  for (let at = idle.length - 1; at >= 0; at--) {
    const size = (idle[at] as ArrayBuffer).byteLength;
    if (size >= bytes && size <= bytes * MOST_UNUSED) return idle.splice(at, 1)[0] as ArrayBuffer;
  }
  // What lies there for other sizes makes room.
  if (idle.length === MOST_IDLE) idle.shift()?.transfer(0);
  return Buffer.allocUnsafeSlow(bytes).buffer;
}

/** Takes back a buffer that nobody uses any more; what is too much is given back to the system. */
export function returnBuffer(buffer: ArrayBuffer): void {
  if (idle.length < MOST_IDLE && buffer.byteLength >= MIN_BYTES) idle.push(buffer);
  else buffer.transfer(0);
}
