import t from 'tap';
import { scopesOf } from '../../agent/inspect.ts';
import type { Committed } from '../../agent/state/state.ts';
import { Traffic } from '../../agent/traffic.ts';
import { readableBytes, readableCount, readableDuration } from '../../plugins/kit/readable.ts';
import { encodedBatch, turnedClock } from '../helpers/plugin-world.ts';
import { plainSummary } from '../helpers/summaries.ts';

const RUN = { pipeline: 'costs', receiver: 'files' };
const committed = (differing: Partial<Committed> = {}): Committed => ({
  id: 'd',
  ...RUN,
  scope: 's',
  revision: 'r',
  mode: 'append',
  committedMs: 1_000,
  dataUntilMs: 500,
  summary: plainSummary({ read: 10, written: 7, rejected: 2, dropped: 1 }),
  ...differing,
});

t.test('rows per second are those of the last minute', async (t) => {
  const clock = turnedClock();
  const traffic = new Traffic(clock);
  traffic.opened(RUN, ['otlp']);
  t.match(traffic.receivers(), [{ ...RUN, deliveries: 0, rowsPerSecond: 0 }]);
  const { progress, written, rejectedBatch, committed: commit } = traffic.events({});
  const rate = (): unknown => traffic.receivers()[0]?.rowsPerSecond;
  progress?.(RUN, 600);
  t.equal(rate(), 10);
  clock.set(clock.now() + 30_000);
  progress?.(RUN, 1_200);
  t.equal(rate(), 30);
  clock.set(clock.now() + 45_000);
  t.equal(rate(), 20, 'the first is longer ago than a minute');
  clock.set(clock.now() + 3_600_000);
  t.equal(rate(), 0);
  clock.set(clock.now() - 7_200_000);
  progress?.(RUN, 60);
  t.equal(rate(), 1, 'a clock that steps back');

  written?.(RUN, 'otlp', encodedBatch('12345', { rows: 7 }));
  rejectedBatch?.(RUN, 'otlp', encodedBatch('1', { rows: 3 }), 3);
  commit?.(RUN, committed(), {});
  commit?.(RUN, committed(), {});
  t.match(traffic.exporters(), [
    { exporter: 'otlp', batches: 1, rows: 7, bytes: 5, refused: 3, lastWrite: clock.now() },
  ]);
  t.match(traffic.receivers(), [
    { deliveries: 2, rows: { read: 20, written: 14, rejected: 4 }, lastCommit: 1_000 },
  ]);
});

t.test('scopes: the newest first, what is appended added up', async (t) => {
  const scopes = scopesOf([
    committed(),
    committed({ revision: 'r2', committedMs: 2_000, dataUntilMs: 400 }),
    committed({ scope: 'other', committedMs: 3_000, dataUntilMs: Number.NaN }),
  ]);
  t.strictSame(scopes, [
    {
      ...RUN,
      scope: 'other',
      revision: 'r',
      deliveries: 1,
      rows: 7,
      rejected: 2,
      committed: 3_000,
    },
    {
      ...RUN,
      scope: 's',
      revision: 'r2',
      deliveries: 2,
      rows: 14,
      rejected: 4,
      committed: 2_000,
      dataUntil: 500,
    },
  ]);
});

t.test('numbers as people read them', async (t) => {
  t.strictSame([0, 59.9, 60, 3_600, 3_725, 90_061, -5].map(readableDuration), [
    '0s',
    '59s',
    '1m',
    '1h',
    '1h 2m',
    '1d 1h',
    '0s',
  ]);
  t.strictSame([0, 1_023, 1_536, 20 * 2 ** 20, 2 ** 50].map(readableBytes), [
    '0 B',
    '1023 B',
    '1.5 KiB',
    '20 MiB',
    '1024 TiB',
  ]);
  t.strictSame([0, 0.25, 9.96, 1_234.5].map(readableCount), ['0', '0.3', '10', '1,235']);
});
