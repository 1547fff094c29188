/** Whether an invocation is among that share (0 to 1) of all: the same id is always in, or always out. */
export function isSampled(id: string, share: number): boolean {
  return share > 0 && hash(id) / 2 ** 32 < share;
}

/** 32 bits of a text: FNV-1a, mixed as MurmurHash3 ends. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
