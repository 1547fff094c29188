/** Nothing that comes from a bill or a name can steer the terminal. */
export function safeText(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}

/** Columns side by side, as wide as they need; the last one gets what is left of `width`. */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const cells = [head, ...rows].map((row) => row.map(safeText));
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  return cells.map((row) => {
    const line = row.map((cell, i) => cell.padEnd(i === row.length - 1 ? 0 : (widths[i] ?? 0)));
    return cut(line.join('  ').trimEnd(), width);
  });
}

/** The text, or as much of it as there is room for. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Whether a stream shows colors: it is a terminal, and its user has not said no (https://no-color.org). */
export function showsColor(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR;
}
