import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Http, HttpRequest, HttpResponse } from '../../pipelines/plugin/index.ts';

/**
 * A case of a receiver: `testdata/<name>/` with `config.json`, `expected.jsonl` and the files it reads. Optional: `http.json`, `state/` (the receiver's
 * folder as an earlier run left it) and `now.txt` (the time at which it runs, ISO 8601; else tomorrow).
 */
export interface ReceiverCase {
  readonly name: string;
  readonly folder: string;
  /** Settings as an operator writes them; paths count from the case's folder. */
  readonly config: object;
  /** One object per delivery. What it states must be so; paths are relative to the case's folder. */
  readonly expected: readonly Readonly<Record<string, unknown>>[];
  readonly answers: readonly RecordedAnswer[];
  /** When it runs, milliseconds. */
  readonly now: number | undefined;
}

/** A recorded answer of the source. */
export interface RecordedAnswer {
  readonly method?: string;
  readonly url: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text, or anything else as JSON. */
  readonly body?: unknown;
}

/** The cases below a folder, by name. */
export function casesOf(folder: string): readonly ReceiverCase[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .toSorted()
    .filter((name) => existsSync(join(folder, name, 'config.json')))
    .map((name) => readCase(join(folder, name), name));
}

function readCase(folder: string, name: string): ReceiverCase {
  const text = (file: string): string => readFileSync(join(folder, file), 'utf8');
  const json = (file: string): unknown => JSON.parse(text(file));
  const lines = text('expected.jsonl').split('\n');
  return {
    name,
    folder,
    config: json('config.json') as object,
    expected: lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line)),
    answers: existsSync(join(folder, 'http.json')) ? (json('http.json') as RecordedAnswer[]) : [],
    now: existsSync(join(folder, 'now.txt')) ? Date.parse(text('now.txt').trim()) : undefined,
  };
}

/** HTTP that knows only recorded answers. Equal requests are answered in turn; the last answer stays. */
export function recordedHttp(answers: readonly RecordedAnswer[]): Http {
  const waiting = new Map<string, RecordedAnswer[]>();
  for (const answer of answers) {
    const key = `${answer.method ?? 'GET'} ${answer.url}`;
    waiting.set(key, [...(waiting.get(key) ?? []), answer]);
  }
  async function answerTo({ method = 'GET', url, signal }: HttpRequest): Promise<HttpResponse> {
    signal?.throwIfAborted();
    const queue = waiting.get(`${method} ${url}`);
    const answer = queue !== undefined && queue.length > 1 ? queue.shift() : queue?.[0];
    if (answer === undefined) throw new Error(`no recorded answer to ${method} ${url}`);
    const { status = 200, headers = {}, body = '' } = answer;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return { status, headers, body: new TextEncoder().encode(text) };
  }
  return {
    request: answerTo,
    async stream(request) {
      const { body, ...rest } = await answerTo(request);
      async function* whole() {
        yield body;
      }
      return { ...rest, body: whole() };
    },
  };
}
