/** Typed arrays that grow by themselves, each in memory of its own. */
type Growing =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/**
 * The same values in an array of `length`, zeros behind them. `array` is empty after that: its memory is given back at once, where a collection of garbage
 * would leave it until tens of megabytes have come together.
 */
export function grown<Array extends Growing>(array: Array, length: number): Array {
  const buffer = array.buffer.transfer(length * array.BYTES_PER_ELEMENT);
  return new (array.constructor as new (buffer: ArrayBuffer) => Array)(buffer);
}

/** Gives the memory of an array back at once; the array is empty after that. */
export function release({ buffer }: Growing): void {
  buffer.transfer(0);
}
