/** A backend as an agent of a bad week meets it: up, slow, busy, away, cut off in the middle of an answer. It keeps one event per id. */
import type { ServerResponse } from 'node:http';
import { COST_COLUMNS } from '../../pipelines/focus/columns.ts';
import { add, type Decimal, decimal, formatDecimal, ZERO } from '../../pipelines/focus/decimal.ts';
import { attributesOf, decodeLogs, type OtlpValue, recordsOf } from '../helpers/otlp-proto.ts';
import { type Received, startHttpServer } from '../helpers/otlp-servers.ts';
import type { Costs } from '../helpers/world.ts';

/** How it answers at present. */
export type Mood = 'up' | 'slow' | 'busy' | 'away' | 'cut';

/** A backend by OTLP/HTTP. */
export interface MoodyBackend {
  readonly url: string;
  mood: Mood;
  /** Answers given, by mood. */
  readonly answers: Readonly<Record<Mood, number>>;
  /** Different events. */
  events(): number;
  /** Events that came more than once. */
  again(): number;
  /** Exact sums of the cost columns over all different events. */
  costs(): Costs;
  close(): Promise<void>;
}

/** Starts it on loopback. */
export async function startMoodyBackend(): Promise<MoodyBackend> {
  const seen = new Set<string>();
  const sums = new Map<string, Decimal>();
  let again = 0;
  const take = ({ path, body }: Received): void => {
    if (path !== '/v1/logs') return;
    for (const record of recordsOf(decodeLogs(body))) {
      const attributes = attributesOf(record);
      const uid = String(attributes['log.record.uid']?.stringValue);
      if (seen.has(uid)) again++;
      else addCosts(sums, attributes);
      seen.add(uid);
    }
  };
  const answers = { up: 0, slow: 0, busy: 0, away: 0, cut: 0 };
  const server = await startHttpServer((_, response, received) => {
    const { mood } = backend;
    answers[mood]++;
    server.received.length = 0;
    if (mood !== 'busy' && mood !== 'away') take(received);
    ANSWERS[mood](response);
  });
  const backend: MoodyBackend = {
    url: server.url,
    mood: 'up',
    answers,
    events: () => seen.size,
    again: () => again,
    costs: () =>
      Object.fromEntries(COST_COLUMNS.map((name) => [name, formatDecimal(sums.get(name) ?? ZERO)])),
    close: () => server.close(),
  };
  return backend;
}

const ANSWERS: Readonly<Record<Mood, (response: ServerResponse) => void>> = {
  up: (response) => response.end(),
  slow: (response) => void setTimeout(() => response.end(), 1_500),
  busy: (response) => response.writeHead(429, { 'retry-after': '1' }).end(),
  away: (response) => response.socket?.destroy(),
  // It has everything, but nobody learns so: the same comes again.
  cut: (response) => {
    response.writeHead(200, { 'content-length': '100' }).write('half');
    setTimeout(() => response.socket?.destroy(), 10);
  },
};

function addCosts(
  sums: Map<string, Decimal>,
  attributes: Readonly<Record<string, OtlpValue>>,
): void {
  for (const column of COST_COLUMNS) {
    const value = attributes[`focus.${column.replace(/Cost$/, '_cost').toLowerCase()}`];
    sums.set(column, add(sums.get(column) ?? ZERO, decimal(String(value?.doubleValue ?? 0))));
  }
}
