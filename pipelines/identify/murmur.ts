/**
 * The steps of MurmurHash3 x86_128 (Austin Appleby, public domain). Hot: small enough for V8 to put them into the loops that call them.
 */

/** A word for the first lane. */
export function first(word: number): number {
  return Math.imul(rotated(Math.imul(word, 0x239b961b), 15), 0xab0e9789);
}

/** A word for the second lane. */
export function second(word: number): number {
  return Math.imul(rotated(Math.imul(word, 0xab0e9789), 16), 0x38b34ae5);
}

/** A word for the third lane. */
export function third(word: number): number {
  return Math.imul(rotated(Math.imul(word, 0x38b34ae5), 17), 0xa1e38b93);
}

/** A word for the fourth lane. */
export function fourth(word: number): number {
  return Math.imul(rotated(Math.imul(word, 0xa1e38b93), 18), 0x239b961b);
}

/** A lane that took in its word, with the lane next to it. */
export function turned(hash: number, bits: number, neighbour: number, constant: number): number {
  return (Math.imul((rotated(hash, bits) + neighbour) | 0, 5) + constant) | 0;
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** A lane at the end: every bit of it comes to depend on every other. */
export function finalMix(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
