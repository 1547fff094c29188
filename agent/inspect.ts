import { readdirSync } from 'node:fs';
import { maskedYaml } from '../config/show.ts';
import type { Configuration } from '../config/validate.ts';
import type { WorkerPool } from '../pipelines/engine/worker-pool.ts';
import type { Clock } from '../pipelines/plugin/contract.ts';
import type {
  InspectedComponent,
  InspectedScope,
  Inspection,
} from '../pipelines/plugin/inspection.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Waiting } from './exporter-queue/exporter-queue.ts';
import { runKey } from './fingerprints.ts';
import type { Log } from './log.ts';
import type { Committed, State } from './state/state.ts';
import type { Health } from './supervise.ts';
import type { Traffic } from './traffic.ts';
import type { UnderWay } from './under-way.ts';

/** What an agent is looked at by. */
export interface Inspected {
  readonly version: string;
  readonly clock: Clock;
  readonly started: number;
  readonly ready: boolean;
  readonly configuration: Configuration;
  readonly health: Health;
  readonly state: State;
  readonly deadLetters: DeadLetters;
  readonly pool: WorkerPool;
  readonly underWay: UnderWay;
  readonly traffic: Traffic;
  /** What waits for each exporter that is down. */
  readonly queues: ReadonlyMap<string, Pick<Waiting, 'deliveries'>>;
  readonly log: Log;
}

/** Scopes that are shown. */
const MOST_SCOPES = 500;

/** Looks at everything once. */
export function inspect(agent: Inspected): Inspection {
  const { version, started, ready, clock, pool, underWay, traffic, deadLetters, log } = agent;
  return {
    version,
    now: clock.now(),
    started,
    ready,
    process: ownProcess(pool.size),
    components: components(agent),
    receivers: withAges(traffic, underWay),
    exporters: traffic.exporters(),
    queues: [
      { name: 'tasks', length: pool.waiting() },
      ...[...agent.queues].map(([exporter, { deliveries }]) => ({
        name: `deliveries for ${exporter}`,
        length: deliveries,
      })),
    ],
    underWay: underWay.list(),
    scopes: scopesOf(agent.state.seen()).slice(0, MOST_SCOPES),
    deadLetters: { files: readdirSync(deadLetters.folder).length, bytes: deadLetters.bytes() },
    settings: maskedYaml(agent.configuration),
    log: log.recent(),
  };
}

function ownProcess(workers: number): Inspection['process'] {
  const { user, system } = process.cpuUsage();
  return {
    pid: process.pid,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    rssBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    workers,
  };
}

function withAges(traffic: Traffic, underWay: UnderWay): Inspection['receivers'] {
  const ages = new Map(
    underWay
      .dataAges()
      .map(([age, { pipeline, receiver }]) => [
        runKey({ pipeline: String(pipeline), receiver: String(receiver) }),
        age,
      ]),
  );
  return traffic.receivers().map((receiver) => {
    const dataAge = ages.get(runKey(receiver));
    return dataAge === undefined ? receiver : { ...receiver, dataAge };
  });
}

/** The last error is what the supervisor or the log knows, whichever is younger. */
function components({ health, log }: Inspected): readonly InspectedComponent[] {
  const logged = loggedErrors(log.recent());
  return health.list().map((component) => {
    const errors = [health.lastError(component), logged.get(component.id)]
      .filter((error) => error !== undefined)
      .sort((a, b) => b.time - a.time);
    return errors[0] === undefined ? component : { ...component, lastError: errors[0] };
  });
}

type LastError = NonNullable<InspectedComponent['lastError']>;

/** The last warning or error of each component. */
function loggedErrors(lines: readonly string[]): ReadonlyMap<string, LastError> {
  const errors = new Map<string, LastError>();
  for (const line of lines) {
    const { level, time, component, message, reason } = parsed(line);
    if ((level !== 'warn' && level !== 'error') || typeof component !== 'string') continue;
    const said = typeof reason === 'string' ? `${message}: ${reason}` : String(message);
    errors.set(component, { time: Date.parse(String(time)), reason: said });
  }
  return errors;
}

function parsed(line: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** What is committed, by scope, the newest first. */
export function scopesOf(deliveries: readonly Committed[]): readonly InspectedScope[] {
  const scopes = new Map<string, InspectedScope>();
  for (const delivery of deliveries) {
    const { pipeline, receiver, scope, revision, committedMs, dataUntilMs, summary } = delivery;
    const key = JSON.stringify([pipeline, receiver, scope]);
    const known = scopes.get(key);
    const until = Math.max(known?.dataUntil ?? Number.NEGATIVE_INFINITY, dataUntilMs || 0);
    scopes.set(key, {
      pipeline,
      receiver,
      scope,
      revision,
      deliveries: (known?.deliveries ?? 0) + 1,
      rows: (known?.rows ?? 0) + summary.rows.written,
      rejected: (known?.rejected ?? 0) + summary.rows.rejected,
      committed: Math.max(known?.committed ?? 0, committedMs),
      ...(until > 0 ? { dataUntil: until } : {}),
    });
  }
  return [...scopes.values()].sort((a, b) => b.committed - a.committed);
}
