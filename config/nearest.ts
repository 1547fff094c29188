/** The word most like the one given, when one is like it at all: for `did you mean …`. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of known) {
    const distance = isStart(normal(word), normal(name))
      ? 1
      : levenshtein(normal(word), normal(name));
    if (distance <= limit && (best === undefined || distance < best.distance))
      best = { name, distance };
  }
  return best?.name;
}

/** Advice for an unknown name: the nearest known one, or all of them. */
export function knownNames(word: string, known: Iterable<string>, what: string): string {
  const names = [...known].toSorted();
  const near = nearest(word, names);
  if (near !== undefined) return `did you mean ${near}?`;
  return names.length === 0 ? `there are no ${what}` : `${what}: ${names.join(', ')}`;
}

function normal(word: string): string {
  return word.toLowerCase().replaceAll('-', '_');
}

/** Whether one is the beginning of the other: `warning` and `warn`. */
function isStart(a: string, b: string): boolean {
  return Math.min(a.length, b.length) >= 3 && (a.startsWith(b) || b.startsWith(a));
}

/** Edits from one word to the other; a swap of neighbours is one edit. */
function levenshtein(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, at(before, j - 2) + 1);
      row.push(edits);
    }
    before = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
