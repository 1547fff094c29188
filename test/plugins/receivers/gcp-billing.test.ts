import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { mappingNamed } from '../../../pipelines/normalize/mappings/index.ts';
import type { Delivery, Misconfigured, Unavailable } from '../../../pipelines/plugin/index.ts';
import gcpBilling from '../../../plugins/receivers/gcp-billing/index.ts';
import {
  type FakeBigQuery,
  type FakeColumn,
  type FakeRow,
  type FakeTable,
  micros,
  startBigQuery,
  valuesOf,
} from '../../helpers/big-query.ts';
import { normalizeRows } from '../../helpers/normalize-rows.ts';
import {
  checkedSettings,
  type TurnedClock,
  turnedClock,
  worldOf,
} from '../../helpers/plugin-world.ts';
import { readJson } from '../../helpers/read-rows.ts';

const TABLE = 'my-project.billing.gcp_billing_export_resource_v1_0123AB_4567CD_89EF01';

/** Some columns of the detailed export, of each kind. Source: Google's page on its schema. */
const COLUMNS: readonly FakeColumn[] = [
  { name: 'billing_account_id', type: 'STRING' },
  record('service', 'id description'),
  record('sku', 'id description'),
  { name: 'usage_start_time', type: 'TIMESTAMP' },
  { name: 'usage_end_time', type: 'TIMESTAMP' },
  {
    name: 'project',
    type: 'RECORD',
    fields: [
      { name: 'id', type: 'STRING' },
      { ...record('labels', 'key value'), mode: 'REPEATED' },
    ],
  },
  { ...record('labels', 'key value'), mode: 'REPEATED' },
  { name: 'export_time', type: 'TIMESTAMP' },
  { name: 'cost', type: 'FLOAT' },
  { name: 'currency', type: 'STRING' },
  {
    name: 'credits',
    type: 'RECORD',
    mode: 'REPEATED',
    fields: [
      { name: 'name', type: 'STRING' },
      { name: 'amount', type: 'NUMERIC' },
      { name: 'type', type: 'STRING' },
    ],
  },
  record('invoice', 'month'),
  { name: 'cost_type', type: 'STRING' },
  { name: 'cost_at_list', type: 'BIGNUMERIC' },
];

function record(name: string, fields: string): FakeColumn {
  return {
    name,
    type: 'RECORD',
    fields: fields.split(' ').map((field) => ({ name: field, type: 'STRING' })),
  };
}

/** A row of a month, exported at a time. */
function row(month: string | null, exported: string, cost = '1.5'): FakeRow {
  return {
    billing_account_id: '0123AB-4567CD-89EF01',
    service: { id: '6F81-5844-456A', description: 'Compute Engine' },
    sku: { id: '2E27-4F75-95CD', description: 'N1 Predefined Instance Core running in Americas' },
    usage_start_time: micros('2026-09-10T07:00:00Z'),
    usage_end_time: micros('2026-09-10T08:00:00Z'),
    project: { id: 'shop', labels: [{ key: 'team', value: 'checkout' }] },
    labels: [{ key: 'env', value: 'prod "1"' }],
    export_time: micros(exported),
    cost,
    currency: 'EUR',
    credits: [],
    invoice: { month },
    cost_type: 'regular',
    cost_at_list: null,
  };
}

const THREE_MONTHS = [
  row('202606', '2026-07-01T00:00:00Z'),
  row('202607', '2026-08-01T01:00:00.25Z', '0.1'),
  row('202608', '2026-09-01T02:00:00.123456Z', '0.2'),
  row('202609', '2026-09-16T03:00:00Z', '3'),
];

interface Given {
  readonly delivery: Delivery;
  readonly text: string;
}

interface Looking {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly cursor?: string;
  readonly most?: number;
  readonly clock?: TurnedClock;
  /** Where months lie; without it nothing may be left when the look ends. */
  readonly folder?: string;
}

/** What a run with `once` delivers; the text of the parts is read while they are there. */
async function look(
  t: Test,
  server: FakeBigQuery,
  { settings = {}, cursor, most = 99, clock = turnedClock(), ...more }: Looking = {},
): Promise<{ readonly given: readonly Given[]; readonly world: ReturnType<typeof worldOf> }> {
  const config = await checkedSettings(gcpBilling, {
    table: TABLE,
    endpoint: server.url,
    anonymous: true,
    ...settings,
  });
  const folder = more.folder ?? mkdtempSync(join(tmpdir(), 'focusd-gcp-billing-'));
  const world = worldOf(config, { clock, folder, once: true });
  t.teardown(async () => {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const given: Given[] = [];
  for await (const delivery of gcpBilling.receive(world, cursor)) {
    const text = delivery.parts.map(({ path }) => readFileSync(path, 'utf8')).join('');
    given.push({ delivery, text });
    if (given.length >= most) return { given, world };
  }
  t.notOk(existsSync(join(folder, 'month')), 'nothing is left on disk');
  return { given, world };
}

async function fake(t: Test, table: Partial<FakeTable> = {}): Promise<FakeBigQuery> {
  const server = await startBigQuery({ columns: COLUMNS, rows: THREE_MONTHS, ...table });
  t.teardown(() => server.close());
  return server;
}

const scopes = (given: readonly Given[]) =>
  given.map(({ delivery }) => delivery.scope.replace(`${TABLE}/`, ''));

t.test(
  'the first look reads the months back to its limit, newest first, each one whole',
  async (t) => {
    const server = await fake(t);
    const { given, world } = await look(t, server);
    t.same(scopes(given), ['202609', '202608', '202607'], 'June lies too far back');
    t.match(
      given.map(({ delivery }) => delivery),
      [
        { mode: 'snapshot', mapping: 'gcp-billing', revision: '2026-09-16T03:00:00Z/1' },
        { revision: '2026-09-01T02:00:00.123456Z/1' },
        { revision: '2026-08-01T01:00:00.25Z/1' },
      ],
    );
    t.equal(given.at(-1)?.delivery.cursor, '{"since":"2026-09-16T03:00:00Z"}');
    const [months, newest] = server.asked.filter(({ kind }) => kind === 'query');
    t.equal(
      months?.body.query,
      `SELECT IFNULL(invoice.month, '') AS month, MAX(export_time) AS latest FROM \`${TABLE}\` WHERE _PARTITIONTIME >= @loaded AND IFNULL(invoice.month, @first) >= @first GROUP BY month ORDER BY month DESC`,
    );
    t.same(months && valuesOf(months), { first: '202607', loaded: '2026-06-28T00:00:00.000Z' });
    t.equal(
      newest?.body.query,
      `SELECT * FROM \`${TABLE}\` WHERE _PARTITIONTIME >= @loaded AND IFNULL(invoice.month, '') = @month`,
    );
    t.same(newest && valuesOf(newest), { month: '202609', loaded: '2026-08-29T00:00:00.000Z' });
    t.match(newest?.body, { useLegacySql: false, maximumBytesBilled: String(20 * 1024 ** 3) });
    t.match(
      newest?.path,
      '/bigquery/v2/projects/my-project/queries',
      'the project of the table pays',
    );
    t.same(
      server.asked.slice(0, 3).map(({ kind }) => kind),
      ['table', 'dry', 'query'],
      'what it would read is asked first',
    );
    t.match(world.lines[0], {
      message: 'asking BigQuery',
      fields: { bytes: 123456789, atListPriceUsd: '0.0007' },
    });
  },
);

t.test('a probe says what the first look would read, and reads no charge', async (t) => {
  const server = await fake(t);
  const written = { table: TABLE, endpoint: server.url, anonymous: true };
  const world = worldOf(await checkedSettings(gcpBilling, written));
  t.teardown(() => world.close());
  t.match(await gcpBilling.probe?.(world), {
    source: `table ${TABLE}`,
    bills: [
      { scope: `${TABLE}/202609`, files: 1, bytes: 123456789 },
      { scope: `${TABLE}/202608` },
      { scope: `${TABLE}/202607` },
    ],
    problems: [],
  });
  t.notOk(
    server.asked.some(({ kind, body }) => kind === 'query' && /SELECT \*/.test(`${body.query}`)),
  );
  server.table.rows = [];
  t.match(await gcpBilling.probe?.(world), { bills: [], problems: [/no month has rows yet/] });
});

t.test('cells come out as they are: nested, repeated, exact, in UTC', async (t) => {
  const exact = '12345678901234567890.123456789';
  const server = await fake(t, {
    rows: [
      {
        ...row('202609', '2026-09-16T03:00:00Z', '1.0E-5'),
        credits: [{ name: 'Trial', amount: '-0.000000003', type: 'PROMOTION' }],
        cost_at_list: exact,
        usage_end_time: null,
        project: null,
      },
    ],
  });
  const { given } = await look(t, server);
  const text = given[0]?.text ?? '';
  t.same(JSON.parse(text), {
    billing_account_id: '0123AB-4567CD-89EF01',
    service: { id: '6F81-5844-456A', description: 'Compute Engine' },
    sku: { id: '2E27-4F75-95CD', description: 'N1 Predefined Instance Core running in Americas' },
    usage_start_time: '2026-09-10T07:00:00Z',
    usage_end_time: null,
    project: null,
    labels: [{ key: 'env', value: 'prod "1"' }],
    export_time: '2026-09-16T03:00:00Z',
    cost: '1.0E-5',
    currency: 'EUR',
    credits: [{ name: 'Trial', amount: '-0.000000003', type: 'PROMOTION' }],
    invoice: { month: '202609' },
    cost_type: 'regular',
    cost_at_list: exact,
  });
});

t.test('the mapping makes FOCUS charges of the parts', async (t) => {
  const credit = { name: 'Trial', amount: '-0.5', type: 'PROMOTION' };
  const server = await fake(t, {
    rows: [{ ...row('202609', '2026-09-16T03:00:00Z', '2.000000001'), credits: [credit] }],
  });
  const { given } = await look(t, server);
  const file = join(t.testdir(), 'part.ndjson');
  writeFileSync(file, given[0]?.text ?? '');
  const { header, rows } = readJson(file);
  const mapping = mappingNamed(given[0]?.delivery.mapping ?? '');
  if (mapping === undefined) throw new Error('no such mapping');
  const charges = await normalizeRows(mapping, header, rows);
  t.match(charges.rows, [
    {
      BilledCost: '1.500000001',
      ListCost: '2.000000001',
      BillingCurrency: 'EUR',
      BillingPeriodStart: '2026-09-01T07:00:00Z',
      ChargePeriodStart: '2026-09-10T07:00:00Z',
      ChargePeriodEnd: '2026-09-10T08:00:00Z',
      ServiceName: 'Compute Engine',
      SubAccountId: 'shop',
      Tags: '{"env":"prod \\"1\\"","project/team":"checkout"}',
    },
  ]);
  t.equal(charges.counts.rejected.size, 0);
});

t.test('late rows bring back their month, and no other', async (t) => {
  const server = await fake(t);
  const first = await look(t, server);
  server.table.rows = [
    ...THREE_MONTHS,
    row('202606', '2026-09-17T00:00:00.5Z', '-0.25'),
    row('202609', '2026-09-17T00:00:00Z'),
  ];
  const cursor = first.given.at(-1)?.delivery.cursor ?? '';
  const second = await look(t, server, { cursor });
  t.same(scopes(second.given), ['202609', '202606'], 'June too, though it lies far back');
  t.match(
    second.given.map(({ delivery, text }) => [delivery.revision, text.trim().split('\n').length]),
    [
      ['2026-09-17T00:00:00Z/2', 2],
      ['2026-09-17T00:00:00.5Z/2', 2],
    ],
    'with all of their rows',
  );
  t.equal(second.given.at(-1)?.delivery.cursor, '{"since":"2026-09-17T00:00:00.5Z"}');
  const asked = server.asked.findLast(({ body }) => String(body.query).includes('latest'));
  t.match(asked?.body.query, /export_time > @since/);
  t.same(asked && valuesOf(asked), {
    since: '2026-09-16T03:00:00Z',
    loaded: '2026-09-13T03:00:00.000Z',
  });
  const third = await look(t, server, { cursor: second.given.at(-1)?.delivery.cursor ?? '' });
  t.same(third.given, [], 'nothing new');
});

t.test('cut off between two months it goes on with the next', async (t) => {
  const server = await fake(t);
  const before = await look(t, server, { most: 1 });
  t.same(scopes(before.given), ['202609']);
  const after = await look(t, server, { cursor: before.given[0]?.delivery.cursor ?? '' });
  t.same(scopes(after.given), ['202608', '202607']);
  t.equal(after.given.at(-1)?.delivery.cursor, '{"since":"2026-09-16T03:00:00Z"}');
  const broken = await look(t, server, { cursor: 'of another making' });
  t.equal(broken.given.length, 3, 'a cursor that cannot be read starts anew');
});

t.test('a running receiver asks only for the table until it changes', async (t) => {
  const server = await fake(t);
  const config = await checkedSettings(gcpBilling, {
    table: TABLE,
    endpoint: server.url,
    anonymous: true,
    interval: '10m',
  });
  const clock = turnedClock((count) => {
    if (count === 2) {
      server.table.rows = [...THREE_MONTHS, row('202609', '2026-09-17T00:00:00Z')];
      server.table.about = { ...server.table.about, lastModifiedTime: '2' };
    }
    if (count === 4) world.stop.abort();
  });
  const world = worldOf(config, { clock, folder: t.testdir() });
  t.teardown(() => world.close());
  const given: string[] = [];
  for await (const { scope } of gcpBilling.receive(world, undefined)) given.push(scope.slice(-6));
  t.same(given, ['202609', '202608', '202607', '202609']);
  const tables = server.asked.flatMap(({ kind }, i) => (kind === 'table' ? [i] : []));
  t.equal(tables.length, 4);
  t.equal((tables[2] ?? 0) - (tables[1] ?? 0), 1, 'the second look ended there');
  t.ok(
    clock.slept.every((ms) => ms >= 540_000 && ms <= 660_000),
    'with jitter',
  );
});

t.test('rows without a month are a scope of their own', async (t) => {
  const server = await fake(t, { rows: [row(null, '2026-09-16T03:00:00Z')] });
  const { given } = await look(t, server);
  t.same(scopes(given), ['no month']);
});

t.test('a table without rows delivers nothing', async (t) => {
  const server = await fake(t, { rows: [] });
  t.same((await look(t, server)).given, []);
});

t.test('many pages, a query that takes its time, a connection cut amid a page', async (t) => {
  const rows = Array.from({ length: 25 }, (_, i) =>
    row('202609', `2026-09-16T03:00:${String(i).padStart(2, '0')}Z`, String(i)),
  );
  const server = await fake(t, {
    rows,
    rowsPerPage: 10,
    slow: 2,
    fail: ({ kind, count }) => (kind === 'page' && count === 5 ? 'cut' : undefined),
  });
  const { given, world } = await look(t, server);
  const costs = given[0]?.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).cost);
  t.same(
    costs,
    rows.map(({ cost }) => cost),
    'every row once',
  );
  t.equal(given[0]?.delivery.revision, '2026-09-16T03:00:24Z/25');
  t.ok(world.lines.some(({ message }) => message === 'Google is asked again'));
  const pages = server.asked.filter(({ query }) => query.has('pageToken'));
  t.equal(pages[0]?.query.get('location'), 'EU', 'where the job runs');
  t.equal(pages[0]?.query.get('formatOptions.useInt64Timestamp'), 'true');
  const ids = server.asked.filter(({ kind }) => kind === 'query').map(({ body }) => body.requestId);
  t.equal(new Set(ids).size, 2, 'each query can be asked again without being paid again');
});

t.test('months stay on the disk until they are replaced where that is wanted', async (t) => {
  const server = await fake(t);
  const folder = mkdtempSync(join(tmpdir(), 'focusd-gcp-kept-'));
  const settings = { keep_bills: true };
  const first = await look(t, server, { settings, folder });
  const files = first.given.flatMap(({ delivery }) => delivery.parts.map(({ path }) => path));
  t.same(
    files.map((file) => readFileSync(file, 'utf8')),
    first.given.map(({ text }) => text),
    'still there, after the commit',
  );
  server.table.rows = [...THREE_MONTHS, row('202609', '2026-09-17T00:00:00Z')];
  const cursor = first.given.at(-1)?.delivery.cursor ?? '';
  const second = await look(t, server, { settings, folder, cursor });
  t.same(scopes(second.given), ['202609']);
  t.same(files.map(existsSync), [false, true, true], 'the former version is gone');
  t.ok(existsSync(second.given[0]?.delivery.parts[0]?.path ?? ''));
  await look(t, server, { folder, cursor: second.given[0]?.delivery.cursor ?? '' });
  t.notOk(existsSync(join(folder, 'kept')), 'all are, where it is wanted no longer');
});

t.test('a month that is no month stays in the folder', async (t) => {
  const server = await fake(t, { rows: [row('x/../../escaped', '2026-09-16T03:00:00Z')] });
  const folder = mkdtempSync(join(tmpdir(), 'focusd-gcp-hostile-'));
  const { given } = await look(t, server, { folder });
  t.match(given, [{ delivery: { parts: [{ path: join(folder, 'month', 'other-0001.ndjson') }] } }]);
});

/** How a look ends. */
async function failure(
  t: Test,
  server: FakeBigQuery,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly error: Misconfigured | Unavailable; readonly clock: TurnedClock }> {
  const clock = turnedClock();
  try {
    await look(t, server, { settings, clock });
  } catch (error) {
    return { error: error as Misconfigured | Unavailable, clock };
  }
  throw new Error('it did not fail');
}

t.test('a query that would read too much is not run', async (t) => {
  const server = await fake(t, { bytes: String(30 * 1024 ** 3) });
  const { error } = await failure(t, server);
  t.match(error, { name: 'Misconfigured', path: 'receivers.test.maximum_bytes_billed' });
  t.match(error.message, /32212254720 bytes, maximum_bytes_billed is 21474836480/);
  t.same(
    server.asked.filter(({ kind }) => kind === 'query'),
    [],
  );
});

t.test(
  'what may pass is asked again, as late as it wishes; in the end it is unavailable',
  async (t) => {
    for (const [status, reason] of [
      [403, 'rateLimitExceeded'],
      [403, 'quotaExceeded'],
      [429, 'rateLimitExceeded'],
      [503, 'backendError'],
      [400, 'resourcesExceeded'],
    ] as const) {
      const once = await fake(t, {
        fail: ({ kind, count }) =>
          kind === 'query' && count === 1 ? { status, reason, retryAfter: '7' } : undefined,
      });
      const clock = turnedClock();
      t.equal((await look(t, once, { clock })).given.length, 3, reason);
      t.ok(clock.slept.includes(7_000), `${status} ${reason}: Retry-After is kept to`);
    }
    const ever = await fake(t, { fail: () => ({ status: 503, body: '<html>busy</html>' }) });
    const { error, clock } = await failure(t, ever);
    t.match(error, { name: 'Unavailable', message: /503/ });
    t.ok(clock.slept.reduce((a, b) => a + b, 0) <= 180_000, 'then the agent waits in its own way');
  },
);

t.test('what does not pass says who has to do what', async (t) => {
  const refused = async (status: number, reason: string, kind = 'query') => {
    const server = await fake(t, {
      fail: (asked) => (asked.kind === kind ? { status, reason, message: 'Said so' } : undefined),
    });
    return await failure(t, server);
  };
  t.match((await refused(403, 'accessDenied')).error, {
    name: 'Misconfigured',
    message: 'Google answered 403 accessDenied: Said so',
    hint: /roles\/bigquery\.dataViewer .* roles\/bigquery\.jobUser/,
  });
  t.match((await refused(404, 'notFound', 'table')).error, {
    path: 'receivers.test.table',
    hint: /bq ls/,
  });
  t.match((await refused(400, 'bytesBilledLimitExceeded')).error, {
    path: 'receivers.test.maximum_bytes_billed',
  });
  t.match((await refused(401, 'authError')).error, { path: 'receivers.test.credentials_file' });
  t.match((await refused(400, 'invalidQuery')).error, { name: 'Misconfigured', hint: undefined });
});

t.test('a result that is gone, short or no result is read anew later', async (t) => {
  const rows = [row('202609', '2026-09-16T03:00:00Z'), row('202609', '2026-09-16T04:00:00Z')];
  const unavailable = async (fail: FakeTable['fail']) => {
    const server = await fake(t, { rows, rowsPerPage: 1, fail });
    const { error } = await failure(t, server);
    t.equal(error.name, 'Unavailable');
    return error.message;
  };
  const page = (body: object) => ({ status: 200, body: JSON.stringify(body) });
  const schema = { fields: [{ name: 'a', type: 'STRING' }] };
  const second: (answer: ReturnType<FakeTable['fail']>) => FakeTable['fail'] =
    (answer) =>
    ({ kind }) =>
      kind === 'page' ? answer : undefined;
  t.match(await unavailable(second({ status: 404, reason: 'notFound' })), /the result is gone/);
  t.match(await unavailable(second(page({ jobComplete: true }))), /1 rows of 2/);
  t.match(await unavailable(second(page({ rows: [{ f: [] }] }))), /0 cells for 14 columns/);
  const query: (body: object) => FakeTable['fail'] =
    (body) =>
    ({ kind }) =>
      kind === 'query' ? page({ jobComplete: true, schema, ...body }) : undefined;
  t.match(await unavailable(query({ totalRows: 'many' })), /"many" for a number/);
  t.match(await unavailable(query({ totalRows: '0', rows: [{ f: [{ v: 'x' }] }] })), /1 rows of 0/);
  t.match(await unavailable(query({ rows: {} })), /rows that are no list/);
  const float = { fields: [{ name: 'latest', type: 'TIMESTAMP' }] };
  t.match(
    await unavailable(query({ schema: float, totalRows: '1', rows: [{ f: [{ v: '1.7E9' }] }] })),
    /latest is no point in time: 1.7E9/,
  );
});

t.test('names that are none never reach BigQuery', async (t) => {
  const server = await fake(t);
  for (const table of [
    'billing.table',
    'my-project.billing.t` WHERE 1=1; DROP TABLE x; --',
    'my-project.bill`ing.t',
    'my`project.billing.t',
    'my-project.billing.',
    'MY_PROJECT.billing.t',
  ]) {
    const { error } = await failure(t, server, { table });
    t.match(error, { name: 'Misconfigured', path: 'receivers.test.table' }, table);
  }
  const { error } = await failure(t, server, { project: '../../other' });
  t.match(error, { name: 'Misconfigured', path: 'receivers.test.project' });
  t.same(server.asked, []);
  await look(t, server, {
    settings: { table: `example.com:${TABLE}`, project: 'payer-project', location: 'EU' },
  });
  t.match(server.asked[0]?.path, '/projects/example.com%3Amy-project/datasets/billing/tables/');
  t.match(server.asked[1], {
    path: /\/projects\/payer-project\/queries$/,
    body: { location: 'EU' },
  });
});

t.test('the native FOCUS table, a view, and tables that hold no bill', async (t) => {
  const columns: readonly FakeColumn[] = [
    { name: 'BilledCost', type: 'NUMERIC' },
    { name: 'BillingPeriodStart', type: 'DATETIME' },
    { name: 'x_ExportTime', type: 'TIMESTAMP' },
  ];
  const focus = {
    BilledCost: '1.000000001',
    BillingPeriodStart: '2026-09-01T00:00:00',
    x_ExportTime: micros('2026-09-16T03:00:00Z'),
  };
  const server = await fake(t, {
    columns,
    rows: [focus],
    month: ({ BillingPeriodStart }) => String(BillingPeriodStart).slice(0, 7).replace('-', ''),
    exported: ({ x_ExportTime }) => String(x_ExportTime),
    about: { type: 'VIEW', lastModifiedTime: '1' },
  });
  const { given, world } = await look(t, server);
  t.match(given, [
    {
      delivery: { mapping: 'focus', revision: '2026-09-16T03:00:00Z/1' },
      text: `${JSON.stringify({ ...focus, x_ExportTime: '2026-09-16T03:00:00Z' })}\n`,
    },
  ]);
  t.match(world.lines[0], { level: 'warn', message: /no partitions/ });
  const whole = server.asked.findLast(({ kind }) => kind === 'query');
  t.equal(
    whole?.body.query,
    `SELECT * FROM \`${TABLE}\` WHERE IFNULL(FORMAT_DATETIME('%Y%m', BillingPeriodStart), '') = @month`,
  );
  server.table.columns = columns.map((one) => ({ ...one, type: 'TIMESTAMP' }));
  server.table.about = { timePartitioning: { type: 'DAY', field: 'x_ExportTime' } };
  server.table.rows = [];
  await look(t, server);
  t.match(
    server.asked.at(-1)?.body.query,
    /FORMAT_TIMESTAMP\('%Y%m', BillingPeriodStart\).* WHERE x_ExportTime >= @loaded AND/,
  );
  server.table.columns = [{ name: 'sku', type: 'STRING' }];
  t.match((await failure(t, server)).error, {
    path: 'receivers.test.table',
    message: /is no export of bills/,
  });
});

t.test('credentials', async (t) => {
  const sts = await startSts(t);
  const folder = t.testdir({ 'subject.txt': 'who I am', 'broken.json': '{', 'odd.json': '{}' });
  const file = join(folder, 'federation.json');
  writeFileSync(file, JSON.stringify(federation(sts.url, join(folder, 'subject.txt'))));
  const server = await fake(t);
  const settings = { anonymous: false, credentials_file: file };

  await look(t, server, { settings });
  t.ok(server.asked.every(({ authorization }) => authorization === 'Bearer token-1'));
  t.match(sts.asked[0], /subject_token=who\+I\+am/);

  server.table.fail = ({ authorization }) =>
    authorization === 'Bearer token-2' ? { status: 401, reason: 'authError' } : undefined;
  t.equal((await look(t, server, { settings })).given.length, 3, 'a refused token is replaced');
  t.equal(server.asked.at(-1)?.authorization, 'Bearer token-3');

  sts.answer = { status: 400, body: { error: 'invalid_grant', error_description: 'expired' } };
  t.match((await failure(t, server, settings)).error, {
    name: 'Misconfigured',
    path: 'receivers.test.credentials_file',
    hint: new RegExp(file),
  });
  sts.answer = { status: 503, body: {} };
  t.match((await failure(t, server, settings)).error, { name: 'Unavailable' });
  for (const name of ['absent.json', 'broken.json', 'odd.json']) {
    const { error } = await failure(t, server, {
      ...settings,
      credentials_file: join(folder, name),
    });
    t.match(error, { name: 'Misconfigured', path: 'receivers.test.credentials_file' }, name);
  }
});

t.test('the service account of the machine, from its metadata server', async (t) => {
  const metadata = await startSts(t);
  const variables = {
    GCE_METADATA_HOST: new URL(metadata.url).host,
    GOOGLE_APPLICATION_CREDENTIALS: '',
    HOME: t.testdir(),
  };
  const before = { ...process.env };
  Object.assign(process.env, variables);
  t.teardown(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, before);
  });
  const server = await fake(t);
  await look(t, server, { settings: { anonymous: false } });
  t.match(server.asked.at(-1)?.authorization, /^Bearer token-\d+$/);
});

/** A workload identity federation as `gcloud iam workload-identity-pools create-cred-config` writes it. */
function federation(tokenUrl: string, subject: string): object {
  return {
    type: 'external_account',
    audience:
      '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: tokenUrl,
    credential_source: { file: subject },
  };
}

/** A token service: numbered tokens, or what the test says. */
async function startSts(t: Test): Promise<{
  readonly url: string;
  readonly asked: string[];
  answer: { readonly status: number; readonly body: object } | undefined;
}> {
  const asked: string[] = [];
  const sts = {
    url: '',
    asked,
    answer: undefined as { readonly status: number; readonly body: object } | undefined,
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      asked.push(body);
      const { status, body: said } = sts.answer ?? {
        status: 200,
        body: {
          access_token: `token-${asked.length}`,
          issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          token_type: 'Bearer',
          expires_in: 3600,
        },
      };
      response.writeHead(status, {
        'content-type': 'application/json',
        'metadata-flavor': 'Google',
      });
      response.end(JSON.stringify(said));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  sts.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/token`;
  return sts;
}
