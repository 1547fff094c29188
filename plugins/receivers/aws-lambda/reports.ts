import { isSampled } from '../../kit/serverless/sample.ts';
import type { Subject, Tally } from '../../kit/serverless/usage.ts';
import type { FunctionName } from './function-name.ts';
import type { Report } from './report.ts';

/** What decides how reports are counted. */
export interface ReportSettings {
  /** Region of functions whose push does not say it; empty when none is set. */
  readonly region: string;
  /** ARN of the function whose telemetry comes without a name. */
  readonly functionArn: string | undefined;
  /** Share of the invocations that become charges of their own, 0 to 1. */
  readonly sample: number;
}

/** Counts reports of one function; a subject is made once per memory size. */
export class Reports {
  readonly #of: FunctionName;
  readonly #tally: Tally;
  readonly #sample: number;
  readonly #subjects = new Map<number, { readonly key: string; readonly subject: Subject }>();

  constructor(of: FunctionName, tally: Tally, { sample }: ReportSettings) {
    this.#of = of;
    this.#tally = tally;
    this.#sample = sample;
  }

  /** Counts an invocation by the time of its report, milliseconds. */
  add(report: Report, atMs: number): void {
    const { memoryMb, billedMs, requestId, traceId, spanId, durationMs } = report;
    const { key, subject } = this.#subject(memoryMb);
    const counts = { requests: 1, billed_ms: billedMs, mb_ms: billedMs * memoryMb };
    if (!isSampled(requestId, this.#sample)) {
      this.#tally.add(key, subject, atMs, counts);
      return;
    }
    const fromMs = atMs - Math.max(1, Math.ceil(durationMs));
    this.#tally.addOne(subject, { id: requestId, fromMs, untilMs: atMs, traceId, spanId }, counts);
  }

  #subject(memoryMb: number): { readonly key: string; readonly subject: Subject } {
    const known = this.#subjects.get(memoryMb);
    if (known !== undefined) return known;
    const subject = { ...this.#of, memory: String(memoryMb) };
    const made = { key: Object.values(subject).join(' '), subject };
    this.#subjects.set(memoryMb, made);
    return made;
  }
}
