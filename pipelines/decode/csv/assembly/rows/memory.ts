/** Memory of the kernel: taken from its end, or what was given back of the same size. */

/** Bytes that may be read or written behind what is asked for. */
export const SLACK: u32 = 16;

/** Where `scan` leaves what it found. */
export const FOUND: usize = 1024;
/** Where what nobody reads is written. */
export const TOUCHED: usize = 1036;
/** Heads of the lists of free memory, by the power of two of its size. */
const FREE: usize = 1040;
const HEAP: usize = 2048;

let heap: usize = HEAP;

/** Everything is free. */
export function reset(): void {
  heap = HEAP;
  memory.fill(FREE, 0, HEAP - FREE);
}

/** Memory of a power of two of bytes. */
export function alloc(bytes: u32): usize {
  const list = listOf(bytes);
  const free = load<usize>(list);
  if (free == 0) return fixed(bytes);
  store<usize>(list, load<usize>(free));
  return free;
}

/** Gives memory back to `alloc`. */
export function release(at: usize, bytes: u32): void {
  const list = listOf(bytes);
  store<usize>(at, load<usize>(list));
  store<usize>(list, at);
}

// @ts-ignore: decorator
@inline
function listOf(bytes: u32): usize {
  return FREE + (ctz<u32>(bytes) << 2);
}

/** Memory that is not given back. */
export function fixed(bytes: u32): usize {
  const at = heap;
  heap = (at + bytes + 15) & ~15;
  const size = memory.size();
  const pages = <i32>((heap + 0xffff) >> 16) - size;
  if (pages > 0 && memory.grow(max<i32>(pages, size >> 3)) < 0 && memory.grow(pages) < 0) full();
  return at;
}

/** Throws. */
// @ts-ignore: decorator
@external('env', 'full')
declare function full(): void;
