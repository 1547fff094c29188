/** A line on stderr that says how far a long piece of work is; redrawn on a terminal, silent elsewhere. */
export interface Progress {
  add(rows: number): void;
  end(): void;
}

/** `verb` as in "1,200,000 rows converted"; `total` when it is known. */
export function progressLine(verb: string, total?: number): Progress {
  const started = performance.now();
  let rows = 0;
  let drawn = 0;
  const draw = (): void => {
    const seconds = Math.max(0.001, (performance.now() - started) / 1_000);
    const share =
      total === undefined || total === 0 ? '' : ` (${Math.floor((100 * rows) / total)} %)`;
    process.stderr.write(
      `\r\u001b[K${rows.toLocaleString('en-US')} rows ${verb}${share}, ${Math.round(rows / seconds).toLocaleString('en-US')} rows/s`,
    );
  };
  return {
    add: (more) => {
      rows += more;
      if (!process.stderr.isTTY || performance.now() - drawn < 100) return;
      drawn = performance.now();
      draw();
    },
    end: () => {
      if (process.stderr.isTTY && drawn > 0) process.stderr.write('\r\u001b[K');
    },
  };
}
