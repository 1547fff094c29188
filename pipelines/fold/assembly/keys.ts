/**
 * AssemblyScript, compiled to `../keys-wasm.ts` by `npm run kernels`. Finds the groups of rows by keys of 64 bits, in a hash table of 16 bytes a
 * slot: the key, then the number of its group + 1; 0: it is free. All positions are bytes of the one memory.
 */

const SLOT: usize = 16;
/** Rows whose slots are looked at ahead: their memory comes at the same time, while one after the other would be waited for. */
const BLOCK: u32 = 128;
/** Where something of all that was looked at ahead goes. */
const TOUCHED: usize = 0;

/** Starts the key of each row. */
export function begin(keys: usize, rows: u32, low: u32, high: u32): void {
  const key = <u64>low | (<u64>high << 32);
  for (const end = keys + (<usize>rows << 3); keys < end; keys += 8) store<u64>(keys, key);
}

/** Adds to the key of each row the number that its code has, so many bits from the lowest. */
export function pack(keys: usize, rows: u32, codes: usize, numbers: usize, shift: u32): void {
  for (const end = keys + (<usize>rows << 3); keys < end; keys += 8, codes += 4) {
    const number = load<u32>(numbers + (<usize>load<u32>(codes) << 2));
    store<u64>(keys, load<u64>(keys) | (<u64>number << <u64>shift));
  }
}

/**
 * Writes the group of each row. `known` has the keys of the groups there are, one after the other; a key that is new is put behind them and is
 * a group from then on. Answers how many groups there are. The table has a power of two of slots, with room for all rows.
 */
export function assign(
  keys: usize,
  rows: u32,
  slots: usize,
  mask: u32,
  known: usize,
  groups: u32,
  groupOf: usize,
): u32 {
  for (let from: u32 = 0; from < rows; from += BLOCK) {
    const to = min(rows, from + BLOCK);
    let all: u64 = 0;
    for (let row = from; row < to; row++)
      all ^= load<u64>(slots + <usize>(hashOf(load<u64>(keys + (<usize>row << 3))) & mask) * SLOT);
    store<u64>(TOUCHED, all);
    for (let row = from; row < to; row++) {
      const key = load<u64>(keys + (<usize>row << 3));
      const at = find(slots, mask, key);
      let group = load<u32>(at, 8);
      if (group == 0) {
        store<u64>(known + (<usize>groups << 3), key);
        group = ++groups;
        put(at, key, group);
      }
      store<u32>(groupOf + (<usize>row << 2), group - 1);
    }
  }
  return groups;
}

/** Puts the keys of all groups into a table in which all slots are free. */
export function index(slots: usize, mask: u32, known: usize, groups: u32): void {
  for (let group: u32 = 0; group < groups; group++) {
    const key = load<u64>(known + (<usize>group << 3));
    put(find(slots, mask, key), key, group + 1);
  }
}

/** The slot of a key, or the free one where it belongs. */
@inline
function find(slots: usize, mask: u32, key: u64): usize {
  let slot = hashOf(key) & mask;
  let at = slots + <usize>slot * SLOT;
  while (load<u32>(at, 8) != 0 && load<u64>(at) != key) {
    slot = (slot + 1) & mask;
    at = slots + <usize>slot * SLOT;
  }
  return at;
}

@inline
function put(at: usize, key: u64, group: u32): void {
  store<u64>(at, key);
  store<u32>(at, group, 8);
}

@inline
function hashOf(key: u64): u32 {
  return <u32>((key * 0x9e3779b97f4a7c15) >> 32);
}
