/** BigQuery's REST API for a test: one table, answered in the shapes that the real one answers, with failures on demand. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A column, and the rows' values as BigQuery writes them: texts, lists, objects by name. */
export interface FakeColumn {
  readonly name: string;
  readonly type: string;
  readonly mode?: 'NULLABLE' | 'REQUIRED' | 'REPEATED';
  readonly fields?: readonly FakeColumn[];
}

export type FakeRow = Readonly<Record<string, unknown>>;

/** What a test may turn while it runs. */
export interface FakeTable {
  columns: readonly FakeColumn[];
  rows: readonly FakeRow[];
  /** The month of a row, and its export time in microseconds: what the queries ask for. */
  month: (row: FakeRow) => string | null;
  exported: (row: FakeRow) => string;
  /** More of the answer to tables.get. */
  about: Readonly<Record<string, unknown>>;
  rowsPerPage: number;
  /** What a dry run says. */
  bytes: string;
  /** `jobComplete` is false so many times first. */
  slow: number;
  /** Takes an answer's place: `cut` breaks the connection amid the body. */
  fail: (asked: Asked) => Failure | undefined;
}

/** A request as it came in. */
export interface Asked {
  readonly kind: 'table' | 'dry' | 'query' | 'page';
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  readonly authorization: string | undefined;
  /** Counted from 1, of its kind. */
  readonly count: number;
}

export type Failure =
  | 'cut'
  | {
      readonly status: number;
      readonly reason?: string;
      readonly message?: string;
      readonly retryAfter?: string;
      /** The whole body in place of an error. */
      readonly body?: string;
    };

export interface FakeBigQuery {
  readonly url: string;
  readonly asked: readonly Asked[];
  readonly table: FakeTable;
  close(): Promise<void>;
}

/** Starts it on a free port. */
export async function startBigQuery(table: Partial<FakeTable> = {}): Promise<FakeBigQuery> {
  const state: FakeTable = { ...DEFAULTS, ...table };
  const asked: Asked[] = [];
  const jobs = new Map<string, Job>();
  const server = createServer((request, response) => {
    void take(request).then((partial) => {
      const count = asked.filter(({ kind }) => kind === partial.kind).length + 1;
      const one = { ...partial, count };
      asked.push(one);
      const failure = state.fail(one);
      if (failure === undefined) send(response, 200, JSON.stringify(answer(one, state, jobs)));
      else if (failure === 'cut') cut(response);
      else refuse(response, failure);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/bigquery/v2`,
    asked,
    table: state,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Job {
  readonly columns: readonly FakeColumn[];
  readonly rows: readonly FakeRow[];
  waits: number;
}

const DEFAULTS: FakeTable = {
  columns: [],
  rows: [],
  month: ({ invoice }) => (invoice as { month: string | null } | null)?.month ?? null,
  exported: ({ export_time }) => String(export_time),
  about: { type: 'TABLE', timePartitioning: { type: 'DAY' }, lastModifiedTime: '1' },
  rowsPerPage: 100,
  bytes: '123456789',
  slow: 0,
  fail: () => undefined,
};

async function take(request: IncomingMessage): Promise<Omit<Asked, 'count'>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(request.url ?? '/', 'http://localhost');
  const text = Buffer.concat(chunks).toString();
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  const post = body.dryRun === true ? 'dry' : 'query';
  const get = url.pathname.includes('/queries/') ? 'page' : 'table';
  return {
    kind: request.method === 'POST' ? post : get,
    path: url.pathname,
    query: url.searchParams,
    body,
    authorization: request.headers.authorization,
  };
}

function answer(asked: Asked, table: FakeTable, jobs: Map<string, Job>): object {
  if (asked.kind === 'table')
    return { kind: 'bigquery#table', schema: { fields: table.columns }, ...table.about };
  if (asked.kind === 'dry')
    return { kind: 'bigquery#queryResponse', totalBytesProcessed: table.bytes, jobComplete: true };
  if (asked.kind === 'page') {
    const id = asked.path.slice(asked.path.lastIndexOf('/') + 1);
    return page(id, jobs, table, Number(asked.query.get('pageToken') ?? '0'));
  }
  const id = `job_${jobs.size + 1}`;
  jobs.set(id, { ...resultOf(asked, table), waits: table.slow });
  return page(id, jobs, table, 0);
}

function page(id: string, jobs: Map<string, Job>, table: FakeTable, from: number): object {
  const job = jobs.get(id);
  const jobReference = { projectId: 'p', jobId: id, location: 'EU' };
  if (job === undefined || job.waits-- > 0) return { jobReference, jobComplete: false };
  const end = from + table.rowsPerPage;
  return {
    jobReference,
    jobComplete: true,
    schema: { fields: job.columns },
    totalRows: String(job.rows.length),
    totalBytesProcessed: table.bytes,
    ...(job.rows.length > 0 && {
      rows: job.rows.slice(from, end).map((row) => encoded(row, job.columns)),
    }),
    ...(end < job.rows.length && { pageToken: String(end) }),
  };
}

/** The two queries that a reader asks, by the shape of their text and by their values. */
function resultOf(asked: Asked, table: FakeTable): Omit<Job, 'waits'> {
  const values = valuesOf(asked);
  const sql = String(asked.body.query);
  const monthOf = (row: FakeRow) => table.month(row) ?? '';
  if (sql.startsWith('SELECT *'))
    return {
      columns: table.columns,
      rows: table.rows.filter((row) => monthOf(row) === values.month),
    };
  const since = values.since === undefined ? undefined : BigInt(micros(values.since));
  const found = table.rows.filter((row) =>
    since === undefined
      ? monthOf(row) === '' || monthOf(row) >= String(values.first)
      : BigInt(table.exported(row)) > since,
  );
  const months = Map.groupBy(found, monthOf);
  return {
    columns: [
      { name: 'month', type: 'STRING' },
      { name: 'latest', type: 'TIMESTAMP' },
    ],
    rows: [...months]
      .sort(([a], [b]) => (a < b ? 1 : -1))
      .map(([month, rows]) => ({
        month,
        latest: rows.map(table.exported).reduce((a, b) => (BigInt(a) > BigInt(b) ? a : b)),
      })),
  };
}

/** The values of a query by name. */
export function valuesOf({ body }: Asked): Readonly<Record<string, string | undefined>> {
  const list = body.queryParameters as { name: string; parameterValue: { value: string } }[];
  return Object.fromEntries(list.map(({ name, parameterValue }) => [name, parameterValue.value]));
}

/** Microseconds of an ISO time. */
export function micros(iso: string): string {
  const [, seconds = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(iso) ?? [];
  return `${Date.parse(`${seconds}Z`) / 1000}${fraction.padEnd(6, '0')}`;
}

function encoded(row: FakeRow, columns: readonly FakeColumn[]): object {
  return { f: columns.map((column) => ({ v: cell(row[column.name] ?? null, column) })) };
}

function cell(value: unknown, column: FakeColumn): unknown {
  const one = (item: unknown) =>
    column.fields !== undefined && item !== null ? encoded(item as FakeRow, column.fields) : item;
  if (column.mode !== 'REPEATED') return one(value);
  return ((value as unknown[] | null) ?? []).map((item) => ({ v: one(item) }));
}

function send(response: ServerResponse, status: number, body: string, retryAfter?: string): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=UTF-8',
    ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
  });
  response.end(body);
}

function cut(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100000' });
  response.write('{"kind":"bigquery#getQueryResultsResponse","rows":[{"f":[');
  setImmediate(() => response.destroy());
}

/** An error as Google's APIs write it. */
function refuse(response: ServerResponse, failure: Exclude<Failure, 'cut'>): void {
  const { status, reason, message = 'no', retryAfter } = failure;
  const errors = [{ message, domain: 'global', reason }];
  const body = JSON.stringify({ error: { code: status, message, errors } });
  send(response, status, failure.body ?? body, retryAfter);
}
