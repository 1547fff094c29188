/** A bill that is restated, and an agent that is killed: what the OpenTelemetry Collector has in the end adds up. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { generateBill } from '../../agent/generate/generate-bill.ts';
import { Random } from '../../agent/generate/random.ts';
import type { Truth } from '../../agent/generate/truth.ts';
import { exactSum } from './exact-sum.ts';
import { type LogRecord, logRecords } from './otlp-json.ts';
import { collector, startCollector } from './programs/collector.ts';
import { runOnce, startOnce } from './programs/focusd.ts';

t.setTimeout(15 * 60_000);

const program = await collector();
const skip = 'skip' in program ? program.skip : false;

const REVISIONS = 3;
const KILLS = 3;

t.test('a month restated, the agent killed again and again', { skip }, async (t) => {
  const dir = t.testdir();
  const backend = await startCollector({ dir: join(dir, 'collector') });
  t.teardown(() => backend.stop());
  const agent = {
    dir: join(dir, 'agent'),
    bills: [join(dir, 'bills')],
    exporters: {
      otlp: {
        endpoint: `http://127.0.0.1:${backend.grpcPort}`,
        logs: { restatement: 'rows', max_batch_bytes: '64KiB', max_in_flight: 1 },
        metrics: { enabled: false },
      },
    },
  };
  const random = new Random(4);
  let killed = 0;
  let truth: Truth | undefined;
  for (let revision = 1; revision <= REVISIONS; revision++) {
    truth = await bill(join(dir, 'bills'), revision);
    for (let kill = 0; kill < KILLS; kill++) {
      const running = await startOnce(agent);
      const arrived = () => backend.received('logs').length;
      const enough = arrived() + random.int(4);
      let ended = false;
      void running.finished.then(() => {
        ended = true;
      });
      while (!ended && arrived() <= enough) await setTimeout(20);
      const { code } = await running.stop('SIGKILL');
      if (code === null) killed++;
      else break;
    }
    // The second revision never comes to its end.
    if (revision === 1) t.equal((await runOnce(agent)).code, 0);
  }
  const { code, stderr } = await runOnce(agent);
  t.equal(code, 0, stderr);
  t.comment(`${killed} kills`);
  t.ok(killed > 0, 'it was killed at all');
  const records = byUid(logRecords(backend.received('logs')));
  const named = (name: string) =>
    records.filter(({ eventName }) => eventName === `focus.cost_and_usage.${name}`);
  const [charges, corrections] = [named('charge'), named('correction')];
  t.ok(corrections.length > 0, `${corrections.length} corrections`);
  t.equal(charges.length - corrections.length, truth?.charges);
  t.strictSame(sums(records), truth?.costs);
  const known = new Map(charges.map((charge) => [charge.attributes['log.record.uid'], charge]));
  for (const correction of corrections) {
    const replaced = known.get(correction.attributes['focus.record.replaces'] ?? '');
    t.strictSame(same(correction), replaced && same(replaced), 'it is the charge, taken back');
  }
});

function bill(folder: string, revision: number): Promise<Truth> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const of = { provider: 'azure', format: 'csv', seed: 3, month: '2026-09' } as const;
  return generateBill({ ...of, folder, revision, rows: 6_000, faults: 0, parts: 1 });
}

/** A lost answer, or a kill, sends an event again: with its id, and with the same content. */
function byUid(records: readonly LogRecord[]): readonly LogRecord[] {
  return [
    ...new Map(records.map((record) => [record.attributes['log.record.uid'], record])).values(),
  ];
}

/** What a correction has in common with the charge that it takes back; costs and quantities are turned around. */
function same({ eventName, time, attributes }: LogRecord): object {
  const turned = eventName.endsWith('.correction') ? -1 : 1;
  const all = Object.entries(attributes).flatMap(([name, value]) => {
    if (name.startsWith('focus.record.') || name === 'log.record.uid') return [];
    const adds = typeof value === 'number' && !name.endsWith('_unit_price');
    return [[name, adds ? value * turned + 0 : value] as const];
  });
  return { time, attributes: Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

function sums(records: readonly LogRecord[]): object {
  const sum = (name: string): string =>
    exactSum(records.map(({ attributes }) => Number(attributes[name])));
  return {
    BilledCost: sum('focus.billed_cost'),
    EffectiveCost: sum('focus.effective_cost'),
    ListCost: sum('focus.list_cost'),
    ContractedCost: sum('focus.contracted_cost'),
  };
}
