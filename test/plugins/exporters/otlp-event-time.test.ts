/** Costs of charge days as points of these days: when, what of a restated day, and what of a refused point. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { add, COST_COLUMNS, decimal, formatDecimal, ZERO } from '../../../pipelines/focus/index.ts';
import type { Total } from '../../../pipelines/plugin/index.ts';
import { pointTime } from '../../../plugins/exporters/otlp/event-time/charge-days.ts';
import { sendRefusedApart } from '../../../plugins/exporters/otlp/event-time/refused-apart.ts';
import { openTold } from '../../../plugins/exporters/otlp/event-time/told.ts';
import otlp from '../../../plugins/exporters/otlp/index.ts';
import { decodeMetrics } from '../../helpers/otlp-metrics-proto.ts';
import { startHttpServer } from '../../helpers/otlp-servers.ts';
import {
  checkedSettings,
  type TestTotals,
  total,
  totalsOf,
  turnedClock,
  type World,
  worldOf,
} from '../../helpers/plugin-world.ts';

const DAY_MS = 86_400_000;

t.test('bisecting finds the refused points and no other, in few requests', async (t) => {
  const property = fc.asyncProperty(
    fc.array(fc.boolean(), { maxLength: 200 }),
    fc.integer({ min: 1, max: 200 }),
    async (isBad, most) => {
      const points = isBad.map((bad, index) => ({ bad, index }));
      const taken = new Set<number>();
      let requests = 0;
      const refused = await sendRefusedApart(points, async (part) => {
        requests += 1;
        if (part.length > most) return 'too large';
        const bad = part.find((point) => point.bad);
        if (bad !== undefined) return `bad ${bad.index}`;
        for (const { index } of part) taken.add(index);
        return undefined;
      });
      const ids = (wanted: boolean) =>
        points.filter(({ bad }) => bad === wanted).map(({ index }) => index);
      t.strictSame(
        refused.map(({ point }) => point.index),
        ids(true),
      );
      t.strictSame(
        refused.map(({ reason }) => reason),
        ids(true).map((index) => `bad ${index}`),
      );
      t.strictSame(
        [...taken].sort((a, b) => a - b),
        ids(false),
      );
      const depth = Math.ceil(Math.log2(points.length + 1)) + 1;
      const pieces = 2 * Math.ceil(points.length / most);
      if (requests > 2 * (ids(true).length + pieces) * depth + 1)
        throw new Error(`${requests} requests for ${points.length} points`);
    },
  );
  await fc.assert(property, { numRuns: 200 });
});

t.test(
  'the time of a point is in its day, not ahead, and later when it is sent later',
  async () => {
    const start = Date.UTC(2026, 8, 1);
    fc.assert(
      fc.property(fc.integer({ min: -10, max: 400 * DAY_MS }), fc.nat(DAY_MS), (age, more) => {
        const [first, second] = [age, age + more].map((ms) => pointTime('2026-09-01', start + ms));
        if (first === undefined) return age < 2;
        const inDay = first > start && first < start + DAY_MS && first <= start + age;
        return inDay && second !== undefined && second >= first;
      }),
    );
  },
);

/** A backend that keeps, as Prometheus does, the first value it has for a series and a time, and takes a request whole or not at all. */
async function startBackend(t: Test, clock: { now(): number }) {
  /** Values by time, by series and day. */
  const kept = new Map<string, Map<number, number>>();
  const faults: string[] = [];
  let refuses = (_: { readonly service: string; readonly time: number }): boolean => false;
  const server = await startHttpServer((_, response, { body }) => {
    const points = decodeMetrics(body)
      .filter(({ name }) => name === 'finops.charge_day.cost')
      .flatMap((metric) => metric.points)
      .map(({ attributes, time, value = Number.NaN }) => {
        const ms = Number(BigInt(time) / 1_000_000n);
        const { 'focus.service_name': service, 'finops.cost.type': type } = attributes;
        const day = new Date(ms).toISOString().slice(0, 10);
        return { key: `${service ?? 'overflow'} ${type} ${day}`, day, time: ms, value, service };
      });
    if (new Set(points.map(({ day }) => day)).size > 1) faults.push('two days in a request');
    if (points.some(({ time }) => time > clock.now())) faults.push('a point of the future');
    if (points.some(({ service, time }) => refuses({ service: String(service), time }))) {
      response.writeHead(400, { 'content-type': 'text/plain' }).end('out of bounds');
      return;
    }
    for (const { key, time, value } of points) {
      const values = kept.get(key) ?? new Map<number, number>();
      kept.set(key, values);
      if (!values.has(time)) values.set(time, value);
    }
    response.end();
  });
  t.teardown(() => server.close());
  return {
    url: server.url,
    faults,
    received: server.received,
    refuse(which: typeof refuses) {
      refuses = which;
    },
    /** The last value of each day that is not 0. */
    last: () =>
      Object.fromEntries(
        [...kept].flatMap(([key, values]) => {
          const value = values.get(Math.max(...values.keys()));
          return value === 0 ? [] : [[key, value]];
        }),
      ),
  };
}

interface Opened {
  readonly world: World<unknown>;
  readonly totals: TestTotals;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** The exporter; its clock stands still but for the test. */
async function open(
  settings: object,
  around: {
    readonly url: string;
    readonly folder: string;
    readonly clock: ReturnType<typeof turnedClock>;
  },
): Promise<Opened> {
  const { metrics, ...others } = settings as { readonly metrics?: object };
  const config = await checkedSettings(otlp, {
    endpoint: around.url,
    protocol: 'http/protobuf',
    compression: 'none',
    logs: { enabled: false },
    metrics: { event_time: { enabled: true }, ...metrics },
    ...others,
  });
  const world = worldOf(config, { ...around, id: 'otlp', once: true });
  const totals = totalsOf([]);
  const sink = await otlp.open(world, totals);
  return {
    world,
    totals,
    flush: async () => await sink.flush?.(),
    async close() {
      world.stop.abort();
      await sink.close();
      await world.close();
    },
  };
}

const costOf = (service: string, day: string, billed: string): Total =>
  total({ ServiceProviderName: 'AWS', ServiceName: service }, { billed, day });

const billed = (all: Readonly<Record<string, number | undefined>>) =>
  Object.fromEntries(Object.entries(all).filter(([key]) => key.includes(' billed ')));

t.test('a day, the day restated, and a day that lies ahead', async (t) => {
  const clock = turnedClock();
  const backend = await startBackend(t, clock);
  const around = { url: backend.url, folder: t.testdir(), clock };
  const first = await open({}, around);
  first.totals.replace([
    costOf('EC2', '2026-09-10', '10.5'),
    costOf('S3', '2026-09-10', '2'),
    costOf('EC2', '2026-09-11', '7'),
    costOf('EC2', '2026-09-18', '3'),
    costOf('EC2', '2026-07-01', '99'),
  ]);
  await first.flush();
  const before = { 'EC2 billed 2026-09-10': 10.5, 'EC2 billed 2026-09-11': 7 };
  t.strictSame(billed(backend.last()), { ...before, 'S3 billed 2026-09-10': 2 });
  const requests = backend.received.length;
  await first.flush();
  t.equal(backend.received.length, requests + 1, 'what it has is not sent again');

  first.totals.replace([
    costOf('EC2', '2026-09-10', '11'),
    costOf('EC2', '2026-09-11', '7'),
    costOf('EC2', '2026-09-18', '3'),
  ]);
  clock.set(clock.now() + 1);
  await first.flush();
  const restated = { 'EC2 billed 2026-09-10': 11, 'EC2 billed 2026-09-11': 7 };
  t.strictSame(billed(backend.last()), restated, 'what is gone is 0');
  t.equal(backend.received.length, requests + 3, 'one day changed: one request');
  await first.close();

  const second = await open({}, around);
  t.teardown(() => second.close());
  second.totals.replace([costOf('EC2', '2026-09-11', '7'), costOf('EC2', '2026-09-18', '3')]);
  clock.set(Date.UTC(2026, 8, 18, 1));
  await second.flush();
  t.strictSame(
    billed(backend.last()),
    { 'EC2 billed 2026-09-11': 7, 'EC2 billed 2026-09-18': 3 },
    'another run knows what the backend was told, and the day has come',
  );
  t.strictSame(backend.faults, []);
});

t.test(
  'refused points are dead letters, the others are there, and the ledger says so',
  async (t) => {
    const clock = turnedClock();
    const backend = await startBackend(t, clock);
    const { totals, flush, world, close } = await open(
      {},
      { url: backend.url, folder: t.testdir(), clock },
    );
    t.teardown(close);
    const rows = (cost: string) =>
      Array.from({ length: 20 }, (_, i) => costOf(`S${i}`, '2026-09-10', i === 13 ? cost : '1'));
    backend.refuse(({ service }) => service === 'S13');
    totals.replace(rows('5'));
    await flush();
    t.equal(Object.keys(billed(backend.last())).length, 19);
    const letters = () => world.refusedPoints.get('2026-09-10') ?? [];
    t.strictSame(
      letters().map(({ costs }) => costs),
      COST_COLUMNS.map((column) => ({ [column]: '5' })),
    );
    t.match(letters()[0]?.message, /HTTP 400.*out of bounds/);
    t.match(JSON.parse(letters()[0]?.raw ?? ''), {
      metric: 'finops.charge_day.cost',
      value: '5',
      attributes: { 'focus.service_name': 'S13', 'finops.cost.type': 'billed' },
    });
    backend.refuse(() => false);
    totals.replace(rows('6'));
    clock.set(clock.now() + 1000);
    await flush();
    t.equal(
      billed(backend.last())['S13 billed 2026-09-10'],
      6,
      'it is tried again when it changes',
    );
    t.strictSame(letters(), [], 'its letter is gone');
    t.strictSame(backend.faults, []);
  },
);

t.test('points older than what the backend takes stay unsent', async (t) => {
  const clock = turnedClock();
  const backend = await startBackend(t, clock);
  const sent = async (settings: object): Promise<object> => {
    const { totals, flush, close } = await open(settings, {
      ...{ url: backend.url, folder: t.testdir(), clock },
    });
    totals.replace([costOf('EC2', '2026-09-15', '1'), costOf('EC2', '2026-09-16', '2')]);
    const before = backend.received.length;
    await flush();
    await close();
    return backend.received.slice(before).flatMap(({ body }) =>
      decodeMetrics(body)
        .filter(({ name }) => name === 'finops.charge_day.cost')
        .map(({ points }) => points[0]?.value),
    );
  };
  t.strictSame(await sent({}), [2, 1], 'the newest day first');
  t.strictSame(await sent({ backend_profile: 'prometheus' }), [], 'none of the past');
  t.strictSame(await sent({ backend_profile: 'datadog' }), []);
  t.strictSame(await sent({ backend_profile: 'newrelic' }), [2, 1]);
  const max_age = '24h';
  t.strictSame(await sent({ metrics: { event_time: { enabled: true, max_age } } }), [2]);
  const set = { event_time: { enabled: true, max_age: '30d' } };
  t.strictSame(await sent({ backend_profile: 'prometheus', metrics: set }), [2, 1]);
});

t.test(
  'any restatements, any refusals: the last points and the refused are the totals',
  async (t) => {
    const cost = fc.integer({ min: -500, max: 500 }).map((cents) => `${cents / 100}`);
    const days = ['2026-09-08', '2026-09-09', '2026-09-17'];
    const bill = fc.dictionary(
      fc.constantFrom(
        ...days.flatMap((day) => ['A', 'B', 'C', 'D'].map((name) => `${name} ${day}`)),
      ),
      cost,
    );
    const steps = fc.array(
      fc.record({
        bill,
        refused: fc.subarray(['A', 'B', 'C', 'D', 'old']),
        restarted: fc.boolean(),
        laterMs: fc.integer({ min: 1, max: 2 * DAY_MS }),
      }),
      { minLength: 1, maxLength: 5 },
    );
    const root = t.testdir();
    const property = fc.asyncProperty(steps, async (all) => {
      const clock = turnedClock();
      const backend = await startBackend(t, clock);
      const folder = mkdtempSync(join(root, 'run-'));
      const around = { url: backend.url, folder, clock };
      let opened = await open({}, around);
      for (const { bill, refused, restarted, laterMs } of all) {
        if (restarted) {
          await opened.close();
          opened = await open({}, around);
        }
        backend.refuse(
          ({ service, time }) =>
            refused.includes(service) || (refused.includes('old') && time < Date.UTC(2026, 8, 9)),
        );
        const rows = Object.entries(bill).map(([key, amount]) => {
          const [service = '', day = ''] = key.split(' ');
          return costOf(service, day, amount);
        });
        opened.totals.replace(rows);
        clock.set(clock.now() + laterMs);
        await opened.flush();
        const missing = [...opened.world.refusedPoints.values()].flat();
        const sum = [
          ...Object.values(billed(backend.last())).map((value) => String(value)),
          ...missing.flatMap(({ costs }) => costs.BilledCost ?? []),
        ].reduce((all, value) => add(all, decimal(value)), ZERO);
        const truth = Object.values(bill).reduce((all, value) => add(all, decimal(value)), ZERO);
        const found = formatDecimal(sum);
        if (found !== formatDecimal(truth))
          throw new Error(`${found}, not ${formatDecimal(truth)}`);
        if (backend.faults.length > 0) throw new Error(backend.faults.join());
      }
      await opened.close();
    });
    await fc.assert(property, { numRuns: 25 });
  },
);

t.test('a file that makes no sense counts as none', async (t) => {
  for (const text of [
    '',
    '{',
    '{"series":[],"days":{"2026-09-10":{"timeMs":1,"has":[[0,"1"]]}}}',
  ]) {
    const folder = t.testdir({ 'told.json': text });
    t.strictSame((await openTold(`${folder}/told.json`)).days(), [], text);
  }
});
