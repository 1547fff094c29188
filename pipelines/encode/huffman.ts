/** Huffman codes of DEFLATE, RFC 1951, 3.2.2 and 3.2.7. */

/** Longest code of a literal, length or distance; of a code length. */
export const MOST_BITS = 15;
const MOST_LENGTH_BITS = 7;

/** In this order the lengths of the codes for code lengths are sent. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const;

/** Bits to send, each number with how many there are. */
export type Bits = readonly (readonly [value: number, bits: number])[];

/** The lengths of the codes of symbols that occur so often, at most `most` bits; 0: it does not occur. At least two have one. */
export function codeLengths(counts: ArrayLike<number>, most: number): Uint8Array {
  const lengths = new Uint8Array(counts.length);
  const used: number[] = [];
  for (let symbol = 0; symbol < counts.length; symbol++)
    if ((counts[symbol] as number) > 0) used.push(symbol);
  for (let symbol = 0; used.length < 2; symbol++) if (!used.includes(symbol)) used.push(symbol);
  used.sort((a, b) => (counts[a] as number) - (counts[b] as number) || a - b);
  const depths = balanced(
    used.map((symbol) => Math.max(1, counts[symbol] as number)),
    most,
  );
  used.forEach((symbol, i) => {
    lengths[symbol] = depths[i] as number;
  });
  return lengths;
}

/** Depths of leaves of so much weight, lightest first, in the best tree, or a good one where that is deeper than `most`. */
function balanced(weights: readonly number[], most: number): Uint8Array {
  const leaves = weights.length;
  const weight = [...weights];
  const parents = new Uint16Array(leaves * 2);
  let [leaf, inner] = [0, leaves];
  for (let next = leaves; next < leaves * 2 - 1; next++) {
    let sum = 0;
    for (let child = 0; child < 2; child++) {
      const isLeaf =
        leaf < leaves && (inner >= next || (weight[leaf] as number) <= (weight[inner] as number));
      const taken = isLeaf ? leaf++ : inner++;
      parents[taken] = next;
      sum += weight[taken] as number;
    }
    weight.push(sum);
  }
  const depths = new Uint16Array(leaves * 2 - 1);
  const atDepth = new Uint16Array(most + 1);
  for (let node = leaves * 2 - 3; node >= 0; node--) {
    const depth = (depths[parents[node] as number] as number) + 1;
    depths[node] = depth;
    if (node < leaves) bump(atDepth, Math.min(most, depth), 1);
  }
  limit(atDepth);
  return deepestFirst(atDepth, leaves);
}

/** Leaves that were too deep, counted at the greatest depth, find room there when others go down: until Kraft's sum is 1 again. */
function limit(atDepth: Uint16Array): void {
  const most = atDepth.length - 1;
  let sum = 0;
  atDepth.forEach((count, depth) => {
    if (depth > 0) sum += count * 2 ** (most - depth);
  });
  for (; sum > 2 ** most; sum--) {
    let depth = most - 1;
    while (atDepth[depth] === 0) depth--;
    bump(atDepth, most, -1);
    bump(atDepth, depth, -1);
    bump(atDepth, depth + 1, 2);
  }
}

function bump(counts: Uint16Array, at: number, by: number): void {
  counts[at] = (counts[at] as number) + by;
}

function deepestFirst(atDepth: Uint16Array, leaves: number): Uint8Array {
  const depths = new Uint8Array(leaves);
  let leaf = 0;
  for (let depth = atDepth.length - 1; depth > 0; depth--) {
    const end = leaf + (atDepth[depth] as number);
    depths.fill(depth, leaf, end);
    leaf = end;
  }
  return depths;
}

/** The codes to these lengths as they are sent, from the lowest bit on, with how many bits there are in the upper half. */
export function codes(lengths: Uint8Array): Uint32Array {
  const ofLength = new Uint16Array(MOST_BITS + 1);
  for (const length of lengths) if (length > 0) bump(ofLength, length, 1);
  const next = new Uint32Array(MOST_BITS + 1);
  for (let bits = 1; bits <= MOST_BITS; bits++)
    next[bits] = ((next[bits - 1] as number) + (ofLength[bits - 1] as number)) << 1;
  return Uint32Array.from(lengths, (length) => {
    if (length === 0) return 0;
    const code = next[length] as number;
    next[length] = code + 1;
    return reversed(code, length) | (length << 16);
  });
}

function reversed(code: number, bits: number): number {
  let result = 0;
  for (let i = 0; i < bits; i++) result |= ((code >>> i) & 1) << (bits - 1 - i);
  return result;
}

/** How the code lengths of literals and distances are told before a block: HLIT, HDIST, HCLEN, and the lengths, coded themselves. */
export function describedLengths(literals: Uint8Array, distances: Uint8Array): Bits {
  const [most, far] = [trimmed(literals, 257), trimmed(distances, 1)];
  const runs = runsOf([...literals.subarray(0, most), ...distances.subarray(0, far)]);
  const counts = new Uint32Array(19);
  for (const [symbol] of runs) counts[symbol] = (counts[symbol] as number) + 1;
  const lengths = codeLengths(counts, MOST_LENGTH_BITS);
  const coded = codes(lengths);
  let sent: number = LENGTH_ORDER.length;
  while (sent > 4 && lengths[LENGTH_ORDER[sent - 1] as number] === 0) sent--;
  return [
    [most - 257, 5],
    [far - 1, 5],
    [sent - 4, 4],
    ...LENGTH_ORDER.slice(0, sent).map((symbol) => [lengths[symbol] as number, 3] as const),
    ...runs.flatMap(([symbol, extra, bits]) => {
      const code = coded[symbol] as number;
      return [[code & 0xffff, code >>> 16] as const, [extra, bits] as const];
    }),
  ];
}

/** How many lengths there are without the zeros at the end. */
function trimmed(lengths: Uint8Array, least: number): number {
  let count = lengths.length;
  while (count > least && lengths[count - 1] === 0) count--;
  return count;
}

/** Code lengths with what is repeated as one: 16 the one before 3-6 times, 17 zeros 3-10 times, 18 zeros 11-138 times. */
function runsOf(
  lengths: readonly number[],
): readonly (readonly [symbol: number, extra: number, bits: number])[] {
  const runs: [number, number, number][] = [];
  for (let at = 0; at < lengths.length; ) {
    const length = lengths[at] as number;
    let end = at + 1;
    while (end < lengths.length && lengths[end] === length) end++;
    let left = end - at;
    at = end;
    if (length !== 0) {
      runs.push([length, 0, 0]);
      left--;
    }
    while (left > 0) {
      if (left < 3) {
        runs.push([length, 0, 0]);
        left--;
      } else if (length !== 0) {
        const some = Math.min(6, left);
        runs.push([16, some - 3, 2]);
        left -= some;
      } else {
        const some = Math.min(138, left);
        runs.push(some < 11 ? [17, some - 3, 3] : [18, some - 11, 7]);
        left -= some;
      }
    }
  }
  return runs;
}
