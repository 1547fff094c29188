/** Spans for tests: ids by number, times by minute. */
import { createHash } from 'node:crypto';
import type { TestSpan } from './otlp-traces-proto.ts';

/** Noon of the turned clock's day, milliseconds. */
export const NOON = Date.UTC(2026, 8, 17, 12);

/** A server span; `number` tells spans apart. */
export function spanOf(
  number: number,
  given: Partial<TestSpan> & { readonly startMs?: number; readonly ms?: number } = {},
): TestSpan {
  const { startMs = NOON - 1_800_000, ms = 1000, ...rest } = given;
  const hash = createHash('sha256').update(String(number)).digest();
  const start = BigInt(startMs) * 1_000_000n;
  return {
    traceId: hash.subarray(0, 16),
    spanId: hash.subarray(16, 24),
    kind: 2,
    start,
    end: start + BigInt(Math.round(ms * 1e6)),
    ...rest,
  };
}
