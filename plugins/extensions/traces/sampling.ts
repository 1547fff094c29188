/** How many requests a sampled span stands for. */

/** Parts of one request that sums of requests are counted in: whole numbers add up to the same in any order. */
export const REQUEST_PARTS = 256;

const DIGITS = 14;
/** The threshold of OpenTelemetry's tracestate (`ot=th:c8;rv:…`): what the random value of a trace must reach to be kept. */
const THRESHOLD = /(?:^|,)\s*ot=(?:[^,]*;)?th:([0-9a-f]{1,14})(?:[;,]|\s*$)/;

/**
 * The adjusted count that a tracestate states, in parts of a request: 2^56 / (2^56 - threshold). Undefined when it states none.
 * Source: OpenTelemetry specification, "TraceState: Probability Sampling" (trailing zeros of the threshold may be left out).
 */
export function statedRequests(traceState: string): number | undefined {
  const digits = THRESHOLD.exec(traceState)?.[1];
  if (digits === undefined) return undefined;
  const kept = 16 ** DIGITS - Number.parseInt(digits.padEnd(DIGITS, '0'), 16);
  return Math.round((REQUEST_PARTS * 16 ** DIGITS) / kept);
}
