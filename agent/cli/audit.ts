import { stat } from 'node:fs/promises';
import { deliver } from '../../pipelines/engine/deliver.ts';
import type { GroupTotal } from '../../pipelines/engine/protocol.ts';
import { createWorkerPool } from '../../pipelines/engine/worker-pool.ts';
import { COST_COLUMNS } from '../../pipelines/focus/columns.ts';
import { decimal, formatDecimal, subtract } from '../../pipelines/focus/decimal.ts';
import type { Part } from '../../pipelines/plugin/delivery.ts';
import { errorMessage } from '../../pipelines/plugin/errors.ts';
import type { Total } from '../../pipelines/plugin/totals.ts';
import { configure } from '../configure.ts';
import { pipelineSettings } from '../stages.ts';
import type { Committed } from '../state/state.ts';
import { version } from '../version.ts';
import { existingState } from './existing-state.ts';
import { progressLine } from './progress.ts';

interface Options {
  readonly config: string;
  readonly json?: boolean;
}

/** What the audit of one delivery found. */
interface Finding {
  readonly pipeline: string;
  readonly receiver: string;
  readonly scope: string;
  readonly revision: string;
  readonly result: 'equal' | 'different' | 'cannot be read again';
  readonly reason?: string;
  /** Raw files that are not what they were when they were read. */
  readonly changed: readonly string[];
  readonly differences: readonly Difference[];
}

interface Difference {
  readonly billingPeriod: string;
  readonly day: string;
  readonly dimensions: readonly (string | null)[];
  readonly column: string;
  readonly committed: string;
  readonly derived: string;
  readonly by: string;
}

/** Reads the raw parts of every committed delivery again and compares with the committed totals. Exit code 1 when one differs. */
export async function audit(options: Options): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  const state = await existingState(configuration);
  const pool = createWorkerPool({ workers: configuration.workers });
  const progress = progressLine('audited');
  try {
    const findings: Finding[] = [];
    for (const delivery of await state.deliveries()) {
      const pipeline = configuration.pipelines.find(({ name }) => name === delivery.pipeline);
      const settings = pipelineSettings(configuration, pipeline, version());
      const again = await derive(delivery, { pool, settings, progress: progress.add });
      findings.push(finding(delivery, await state.totalsOf(delivery.id), again));
    }
    progress.end();
    process.stdout.write(
      options.json === true ? `${JSON.stringify(findings, null, 2)}\n` : text(findings),
    );
    if (findings.some(({ result }) => result !== 'equal')) process.exitCode = 1;
  } finally {
    await pool.close();
    await state.close();
  }
}

interface Deriving {
  readonly pool: ReturnType<typeof createWorkerPool>;
  readonly settings: Parameters<typeof deliver>[0]['settings'];
  readonly progress: (rows: number) => void;
}

interface Again {
  readonly changed: readonly string[];
  /** Or why there are none. */
  readonly totals: Iterable<GroupTotal> | { readonly reason: string };
}

async function derive(
  { pipeline, receiver, scope, revision, mode, summary }: Committed,
  { pool, settings, progress }: Deriving,
): Promise<Again> {
  const { parts, changed } = await present(summary.parts);
  const mappings = [...new Set(summary.parts.flatMap(({ mapping }) => mapping ?? []))];
  try {
    const { totals } = await deliver({
      pool,
      pipeline,
      receiver,
      delivery: {
        scope,
        revision,
        mode,
        parts,
        cursor: '',
        mapping: mappings.length === 1 ? (mappings[0] ?? 'auto') : 'auto',
      },
      observedMs: 0,
      targets: [],
      settings: { ...settings, check: false },
      events: { refusedPart: () => {}, rejectedRows: () => {}, rejectedBatch: () => {}, progress },
      signal: new AbortController().signal,
    });
    return { changed, totals };
  } catch (error) {
    return { changed, totals: { reason: errorMessage(error) } };
  }
}

/** The parts as they are now: a file that was tampered with is read too, so that what differs can be named. */
async function present(
  known: readonly Part[],
): Promise<{ readonly parts: readonly Part[]; readonly changed: readonly string[] }> {
  const parts = await Promise.all(
    known.map(async ({ path, bytes, modifiedMs }) => {
      const now = await stat(path).catch(() => undefined);
      return { path, bytes: now?.size ?? bytes, modifiedMs: now?.mtimeMs ?? modifiedMs };
    }),
  );
  const changed = parts.filter(
    (part, i) => part.bytes !== known[i]?.bytes || part.modifiedMs !== known[i]?.modifiedMs,
  );
  return { parts, changed: changed.map(({ path }) => path) };
}

function finding(
  { pipeline, receiver, scope, revision }: Committed,
  committed: readonly Total[],
  again: Again,
): Finding {
  const { changed, totals } = again;
  const about = { pipeline, receiver, scope, revision, changed };
  if ('reason' in totals)
    return { ...about, result: 'cannot be read again', reason: totals.reason, differences: [] };
  const differences = compare(committed, totals);
  return { ...about, result: differences.length === 0 ? 'equal' : 'different', differences };
}

function compare(committed: readonly Total[], derived: Iterable<GroupTotal>): Difference[] {
  const known = new Map(
    committed.map((total) => [
      key(total),
      COST_COLUMNS.map((column) => formatDecimal(total.costs[column])),
    ]),
  );
  const again = new Map(Iterator.from(derived).map((total) => [key(total), total.costs]));
  return [...new Set([...known.keys(), ...again.keys()])].flatMap((at) => {
    const [, billingPeriod, day, dimensions] = JSON.parse(at) as [
      boolean,
      string,
      string,
      (string | null)[],
    ];
    return COST_COLUMNS.flatMap((column, i): Difference[] => {
      const before = known.get(at)?.[i] ?? '0';
      const now = again.get(at)?.[i] ?? '0';
      return before === now
        ? []
        : [
            {
              billingPeriod,
              day,
              dimensions,
              column,
              committed: before,
              derived: now,
              by: formatDecimal(subtract(decimal(now), decimal(before))),
            },
          ];
    });
  });
}

function key({
  overflow,
  billingPeriod,
  day,
  dimensions,
}: Pick<GroupTotal, 'overflow' | 'billingPeriod' | 'day' | 'dimensions'>): string {
  return JSON.stringify([overflow, billingPeriod, day, dimensions]);
}

function text(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ scope, revision, result, reason, changed, differences }) => [
    `${scope} (revision ${revision.slice(0, 8)}): ${result}${reason === undefined ? '' : `: ${reason}`}`,
    ...changed.map((path) => `  ${path} was changed after it was read`),
    ...differences.map(
      ({ billingPeriod, day, dimensions, column, committed, derived, by }) =>
        `  ${billingPeriod} ${day} ${dimensions.filter((value) => value !== null).join(' / ')}: ${column} committed ${committed}, derived ${derived} (${by})`,
    ),
  ]);
  const equal = findings.filter(({ result }) => result === 'equal').length;
  return `${lines.join('\n')}${lines.length === 0 ? '' : '\n'}${equal} of ${findings.length} committed deliveries derived again to the same totals, to the last decimal.\n`;
}
