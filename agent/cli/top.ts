import { parseDuration } from '../../config/formats.ts';
import { errorMessage, Misconfigured } from '../../pipelines/plugin/errors.ts';
import type { Inspection } from '../../pipelines/plugin/inspection.ts';
import { systemClock } from '../../plugins/kit/clock.ts';
import { createHttp } from '../../plugins/kit/http.ts';
import { readableBytes, readableCount, readableDuration } from '../../plugins/kit/readable.ts';
import { configure } from '../configure.ts';
import { askAgent, requireDebugUrl } from './running-agent.ts';
import { cut, safeText, textTable } from './terminal.ts';

interface Options {
  readonly config: string;
  readonly url?: string;
  readonly once?: boolean;
  readonly json?: boolean;
  readonly interval: string;
}

/** Shows the running agent: live in a terminal until Ctrl-C, else once. Throws `Unavailable` when it does not answer at first. */
export async function top(options: Options): Promise<void> {
  const pauseMs = intervalOf(options.interval);
  const url =
    options.url ?? requireDebugUrl((await configure(options.config, process.env)).configuration);
  const http = createHttp();
  try {
    const first = await askAgent(http, url);
    if (options.json === true) process.stdout.write(`${JSON.stringify(first)}\n`);
    else if (options.once === true || !process.stdout.isTTY)
      process.stdout.write(`${shownAgent(first).join('\n')}\n`);
    else await live(first, { ask: () => askAgent(http, url), pauseMs });
  } finally {
    await http.close();
  }
}

function intervalOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 100) return ms;
  throw new Misconfigured(`--interval is "${text}"`, { hint: 'for example 2s; at least 100ms' });
}

const OPEN = '\u001b[?1049h\u001b[?25l';
const CLOSE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H\u001b[2J';

/** Paints a screen of its own again and again; what was in the terminal before comes back at the end. */
async function live(
  first: Inspection,
  { ask, pauseMs }: { readonly ask: () => Promise<Inspection>; readonly pauseMs: number },
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const ended = new AbortController();
  const end = (): void => ended.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end);
  process.stdout.write(OPEN);
  ended.signal.addEventListener('abort', () => resolve());
  let before = first;
  let lines = shownAgent(first);
  while (!ended.signal.aborted) {
    paint(lines);
    await Promise.race([promise, systemClock.sleep(pauseMs, ended.signal).catch(() => {})]);
    if (ended.signal.aborted) break;
    lines = await ask().then(
      (now) => {
        const shown = shownAgent(now, before);
        before = now;
        return shown;
      },
      (error: unknown) => [errorMessage(error)],
    );
  }
  process.stdout.write(CLOSE);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end);
}

function paint(lines: readonly string[]): void {
  // A terminal that does not know its size says 0.
  const columns = process.stdout.columns || 100;
  const rows = process.stdout.rows || 40;
  const shown = lines.slice(0, rows - 1).map((line) => cut(line, columns));
  process.stdout.write(`${HOME}${shown.join('\n')}`);
}

/** The agent as lines of text; `before` gives the processor's share since then. */
export function shownAgent(now: Inspection, before?: Inspection): string[] {
  return [
    headline(now, before),
    '',
    ...section(['COMPONENT', 'KIND', 'STATUS', 'FOR', 'LAST ERROR'], componentRows(now)),
    ...section(
      ['IN', 'ROWS/S', 'ROWS', 'CHARGES', 'REJECTED', 'BILLS', 'LAST COMMIT', 'AGE OF DATA'],
      receiverRows(now),
    ),
    ...section(
      ['OUT', 'CHARGES/S', 'CHARGES', 'BYTES', 'REFUSED', 'LAST BATCH'],
      exporterRows(now),
    ),
    ...section(['UNDER WAY', 'SCOPE', 'FOR', 'ROWS', 'FILES', 'BYTES'], underWayRows(now)),
    ...section(['SCOPE', 'REVISION', 'CHARGES', 'COMMITTED', 'AGE OF DATA'], scopeRows(now)),
  ];
}

function section(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [...textTable(head, rows), ''];
}

function headline(now: Inspection, before?: Inspection): string {
  const { version, ready, process: own, queues, deadLetters } = now;
  const since = before ?? { now: now.started, process: { cpuSeconds: 0 } };
  const passed = Math.max(1, now.now - since.now) / 1000;
  const share = (own.cpuSeconds - since.process.cpuSeconds) / passed;
  return safeText(
    [
      `focusd ${version}`,
      ready ? 'ready' : 'starting',
      `up ${readableDuration((now.now - now.started) / 1000)}`,
      `memory ${readableBytes(own.rssBytes)}`,
      `cpu ${Math.round(Math.max(0, share) * 100)} %`,
      `${own.workers} workers`,
      ...queues.map(({ name, length }) => `${name} waiting ${readableCount(length)}`),
      `dead letters ${readableBytes(deadLetters.bytes)}`,
    ].join('  '),
  );
}

function componentRows({ components, now }: Inspection): string[][] {
  return components.map(({ id, kind, status, since, reason, lastError }) => [
    id,
    kind,
    status,
    ago(now, since),
    reason ?? (lastError ? `${ago(now, lastError.time)} ago: ${lastError.reason}` : ''),
  ]);
}

function receiverRows({ receivers, now }: Inspection): string[][] {
  return receivers.map((of) => [
    `${of.pipeline}: ${of.receiver}`,
    readableCount(of.rowsPerSecond),
    readableCount(of.rows.read),
    readableCount(of.rows.written),
    readableCount(of.rows.rejected),
    readableCount(of.deliveries),
    of.lastCommit === undefined ? '' : `${ago(now, of.lastCommit)} ago`,
    of.dataAge === undefined ? '' : readableDuration(of.dataAge),
  ]);
}

function exporterRows({ exporters, now }: Inspection): string[][] {
  return exporters.map((of) => [
    of.exporter,
    readableCount(of.rowsPerSecond),
    readableCount(of.rows),
    readableBytes(of.bytes),
    readableCount(of.refused),
    of.lastWrite === undefined ? '' : `${ago(now, of.lastWrite)} ago`,
  ]);
}

function underWayRows({ underWay, now }: Inspection): string[][] {
  return underWay.map((of) => [
    `${of.pipeline}: ${of.receiver}`,
    of.scope,
    ago(now, of.since),
    readableCount(of.rows),
    readableCount(of.files),
    readableBytes(of.bytes),
  ]);
}

const SCOPES_SHOWN = 15;

function scopeRows({ scopes, now }: Inspection): string[][] {
  return scopes
    .slice(0, SCOPES_SHOWN)
    .map((of) => [
      of.scope,
      of.deliveries === 1 ? of.revision.slice(0, 12) : `${of.deliveries} deliveries`,
      readableCount(of.rows),
      `${ago(now, of.committed)} ago`,
      of.dataUntil === undefined ? '' : ago(now, of.dataUntil),
    ]);
}

function ago(now: number, then: number): string {
  return readableDuration((now - then) / 1000);
}
