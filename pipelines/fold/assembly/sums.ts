/** AssemblyScript, compiled to `../sums-wasm.ts` by `npm run kernels`. Adds amounts to sums of groups. All positions are bytes of the one memory. */

/** What amounts are made of, by code, as in `focus/amounts.ts`. */
const LIMBS: u32 = 1;
const BIG: u32 = 2;

/** Rows whose sums are looked at ahead: their memory comes at the same time, while one after the other would be waited for. */
const BLOCK: u32 = 128;
/** Where something of all that was looked at ahead goes. */
const TOUCHED: usize = 0;

/**
 * Adds the amounts of the rows from `row` on to the sums of their groups: three limbs that begin at `sums`, `stride` bytes from those of the group
 * before. Answers the row after which it stopped, as its amount is too long for limbs (nothing was added), or its sum has more than `full` as an
 * integer part and should be settled; `rows` if there was none.
 */
export function add(
  sums: usize,
  stride: u32,
  row: u32,
  rows: u32,
  groupOf: usize,
  codes: usize,
  states: usize,
  whole: usize,
  nano: usize,
  atto: usize,
  full: f64,
): u32 {
  while (row < rows) {
    const to = min(rows, row + BLOCK);
    let all: u64 = 0;
    for (let ahead = row; ahead < to; ahead++)
      all ^= load<u64>(sums + <usize>load<u32>(groupOf + (<usize>ahead << 2)) * stride);
    store<u64>(TOUCHED, all);
    for (; row < to; row++) {
      const code = <usize>load<u32>(codes + (<usize>row << 2));
      const state = <u32>load<u8>(states + code);
      if (state == BIG) return row;
      if (state != LIMBS) continue;
      const at = sums + <usize>load<u32>(groupOf + (<usize>row << 2)) * stride;
      const sum = load<f64>(at) + load<f64>(whole + (code << 3));
      store<f64>(at, sum);
      store<f64>(at, load<f64>(at, 8) + load<f64>(nano + (code << 3)), 8);
      store<f64>(at, load<f64>(at, 16) + load<f64>(atto + (code << 3)), 16);
      if (abs(sum) > full) return row;
    }
  }
  return rows;
}
