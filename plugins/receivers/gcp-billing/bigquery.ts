import { randomUUID } from 'node:crypto';
import { Misconfigured, Unavailable } from '../../../pipelines/plugin/errors.ts';
import { answerOf, type World } from './answers.ts';
import { type Field, fieldsOf, objectOf, type Row, rowsOf } from './rows.ts';
import type { TableName } from './table-name.ts';

/** A query with its values apart: nothing of them becomes SQL. */
export interface Question {
  readonly sql: string;
  readonly values: Readonly<
    Record<string, { readonly type: 'STRING' | 'TIMESTAMP'; readonly value: string }>
  >;
}

/** What is known of a table without reading it. */
export interface Table {
  readonly fields: readonly Field[];
  /** Column by which reading less costs less: `_PARTITIONTIME` when it goes by the time of loading. Absent: it is read whole. */
  readonly partition?: string;
  /** Changes whenever the table does. Absent: the table does not say (views, rows that are just streamed in). */
  readonly stamp?: string;
}

/** A page of a result. */
export interface Page {
  readonly rows: readonly Row[];
  /** Rows of the whole result. */
  readonly total: number;
}

/** The parts of BigQuery's REST API that reading takes. */
export interface BigQuery {
  table(name: TableName): Promise<Table>;
  /** What the query would read, bytes; costs nothing. Throws `Misconfigured` when it is more than may be billed. */
  bytesOf(question: Question): Promise<number>;
  /** The result of a query page by page: all of it, or `Unavailable`. One query is one state of the table. */
  ask(question: Question): AsyncGenerator<Page>;
}

/** Where and how it is asked. */
export interface Asking {
  /** Base URL of the API, `https://bigquery.googleapis.com/bigquery/v2`. */
  readonly endpoint: string;
  /** Project that pays. */
  readonly project: string;
  readonly location: string | undefined;
  readonly maximumBytesBilled: number;
}

/** Rows of a page, and how long BigQuery may think before it says "not yet". */
const PAGE = { maxResults: 10_000, timeoutMs: 20_000 };

/** BigQuery over REST. */
export function bigQuery(world: World, asking: Asking): BigQuery {
  const base = asking.endpoint.replace(/\/+$/, '');
  const project = `${base}/projects/${encodeURIComponent(asking.project)}`;

  const post = (question: Question, more: object) =>
    answerOf(world, {
      url: `${project}/queries`,
      method: 'POST',
      body: JSON.stringify({ ...bodyOf(question, asking), ...more }),
    });

  /** The result, or its next page. */
  const next = ({ jobId, location }: Job, pageToken?: string) => {
    const query = new URLSearchParams({
      maxResults: String(PAGE.maxResults),
      timeoutMs: String(PAGE.timeoutMs),
      'formatOptions.useInt64Timestamp': 'true',
      ...(location !== undefined && { location }),
      ...(pageToken !== undefined && { pageToken }),
    });
    const url = `${project}/queries/${encodeURIComponent(jobId)}?${query}`;
    return answerOf(world, { url }).catch(lostJob);
  };

  return {
    async table({ project: of, dataset, table }) {
      const path = [of, dataset, table].map(encodeURIComponent);
      const url = `${base}/projects/${path[0]}/datasets/${path[1]}/tables/${path[2]}`;
      return tableOf(await answerOf(world, { url }));
    },

    async bytesOf(question) {
      const { totalBytesProcessed } = await post(question, { dryRun: true });
      const bytes = wholeNumber(totalBytesProcessed);
      if (bytes <= asking.maximumBytesBilled) return bytes;
      throw new Misconfigured(
        `the query would read ${bytes} bytes, maximum_bytes_billed is ${asking.maximumBytesBilled}`,
        {
          path: `${world.path}.maximum_bytes_billed`,
          hint: 'raise maximum_bytes_billed, or lower look_back',
        },
      );
    },

    async *ask(question) {
      let answer = await post(question, { ...PAGE, requestId: randomUUID() });
      const job = jobOf(answer);
      while (answer.jobComplete !== true) {
        await world.clock.sleep(1_000, world.signal);
        answer = await next(job);
      }
      const total = wholeNumber(answer.totalRows ?? '0');
      const fields = fieldsOf(answer.schema);
      for (let read = 0; ; ) {
        const rows = rowsOf(answer.rows, fields);
        read += rows.length;
        if (read > total) throw cut(read, total);
        yield { rows, total };
        if (typeof answer.pageToken !== 'string') {
          if (read !== total) throw cut(read, total);
          return;
        }
        answer = await next(job, answer.pageToken);
      }
    },
  };
}

function bodyOf({ sql, values }: Question, asking: Asking): object {
  return {
    query: sql,
    useLegacySql: false,
    parameterMode: 'NAMED',
    queryParameters: Object.entries(values).map(([name, { type, value }]) => ({
      name,
      parameterType: { type },
      parameterValue: { value },
    })),
    maximumBytesBilled: String(asking.maximumBytesBilled),
    formatOptions: { useInt64Timestamp: true },
    labels: { application: 'focusd' },
    ...(asking.location !== undefined && { location: asking.location }),
  };
}

interface Job {
  readonly jobId: string;
  readonly location: string | undefined;
}

function jobOf(answer: Readonly<Record<string, unknown>>): Job {
  const { jobId, location } = objectOf(answer.jobReference);
  return {
    jobId: typeof jobId === 'string' ? jobId : '',
    location: typeof location === 'string' ? location : undefined,
  };
}

/** A result is kept for a day; one that is gone is asked for again. */
function lostJob(error: unknown): never {
  if (error instanceof Misconfigured && /^Google answered 404/.test(error.message))
    throw new Unavailable(`the result is gone: ${error.message}`, { cause: error });
  throw error;
}

function tableOf(answer: Readonly<Record<string, unknown>>): Table {
  const { timePartitioning, lastModifiedTime, streamingBuffer, type, schema } = answer;
  const { field } = objectOf(timePartitioning);
  const partition = typeof field === 'string' ? field : '_PARTITIONTIME';
  const still = type === 'TABLE' && streamingBuffer === undefined;
  return {
    fields: fieldsOf(schema),
    ...(timePartitioning !== undefined && { partition }),
    ...(still && typeof lastModifiedTime === 'string' && { stamp: lastModifiedTime }),
  };
}

function wholeNumber(value: unknown): number {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new Unavailable(`BigQuery answered with ${JSON.stringify(value)} for a number`);
}

function cut(read: number, total: number): Unavailable {
  return new Unavailable(`BigQuery answered with ${read} rows of ${total}`);
}
