/** The account of each exporter: what a backend took, refused for good, or took in part. */
import t from 'tap';
import { refusals, unbalancedColumns } from '../../agent/ledger.ts';
import { encodePartialSuccess } from '../helpers/otlp-metrics-proto.ts';
import { startHttpServer } from '../helpers/otlp-servers.ts';
import { encodedBatch } from '../helpers/plugin-world.ts';
import { committed, deadLetters, focusCsv, readOnce, worldFolder } from '../helpers/world.ts';

const ENTRY = { read: '10', exported: '9.75', rejected: '0.25', dropped: '0', reshaped: '0' };

t.test('what is refused is taken off what was exported, exactly', async (t) => {
  const refused = refusals();
  const batch = encodedBatch('x', { rows: 3, costs: { BilledCost: '0.1' } });
  refused.add('otlp', batch, 3);
  refused.restart();
  refused.add('otlp', batch, 3);
  refused.add('otlp', batch, 3);
  refused.add('otlp', encodedBatch('y', { rows: 3, costs: { BilledCost: '-1.5' } }), 1);
  t.strictSame(refused.ledger(['otlp', 'file'], { BilledCost: ENTRY }), {
    otlp: { BilledCost: { exported: '11.05', refused: '0.2', uncertain: '-1.5' } },
    file: { BilledCost: { exported: '9.75', refused: '0', uncertain: '0' } },
  });
});

t.test('accounts close to the last decimal, or the column is named', async (t) => {
  const held = (cost: string) => ({
    dimensions: [],
    billingPeriod: '2026-09-01',
    day: '2026-09-02',
    charges: 1,
    overflow: false,
    costs: [cost, '0', '0', '0'],
  });
  const ledger = { BilledCost: ENTRY };
  const columns = (...costs: readonly string[]) =>
    unbalancedColumns({ ledger, totals: costs.map(held) });
  t.strictSame(columns('9.75'), []);
  t.strictSame(columns('9.5', '0.25'), []);
  t.strictSame(columns('9.7500000000000000001'), ['BilledCost']);
  t.strictSame(columns(), ['BilledCost'], 'nothing came through');
  t.strictSame(
    unbalancedColumns({ ledger: {}, totals: [held('1')] }),
    [],
    'the source states none',
  );
});

t.test('a backend that refuses, one that takes a part, one that takes all', async (t) => {
  const refuses = await startHttpServer((_, response) => {
    response.writeHead(400);
    response.end('no');
  });
  const takesSome = await startHttpServer((_, response) => {
    response.setHeader('content-type', 'application/x-protobuf');
    response.end(encodePartialSuccess(1, 'too old'));
  });
  t.teardown(() => Promise.all([refuses.close(), takesSome.close()]));
  const otlp = (url: string): string =>
    `{ endpoint: '${url}', protocol: http/protobuf, metrics: { enabled: false } }`;
  const folder = worldFolder(
    t,
    {
      exporters: {
        'otlp/none': otlp(refuses.url),
        'otlp/some': otlp(takesSome.url),
        'file/csv': '{ folder: ./out, format: focus-csv }',
      },
    },
    { 'bills/a.csv': focusCsv([1.25, 2.5, 'x']) },
  );
  await readOnce(t, folder);
  const [delivery] = committed(folder);
  const { read, exported } = delivery?.summary.ledger.BilledCost ?? {};
  t.match({ read, exported }, { exported: '3.75' });
  t.match(delivery?.summary.exporters, {
    'otlp/none': { BilledCost: { exported: '0', refused: '3.75', uncertain: '0' } },
    'otlp/some': { BilledCost: { exported: '0', refused: '0', uncertain: '3.75' } },
    'file/csv': { BilledCost: { exported: '3.75', refused: '0', uncertain: '0' } },
  });
  const letters = deadLetters(folder).filter(({ kind }) => kind === 'batch');
  t.match(
    letters.toSorted((a, b) => String(a.exporter).localeCompare(String(b.exporter))),
    [
      { exporter: 'otlp/none', rows: 2, costs: { BilledCost: '3.75' } },
      { exporter: 'otlp/some', rows: 1, costs: undefined },
    ],
  );
});
