import type { Pushed } from '../../kit/intake/index.ts';
import { MINUTE_MS, Tally } from '../../kit/serverless/usage.ts';
import { type FunctionName, functionOfArn } from './function-name.ts';

/** Environments that are kept ready, and charged by time. */
export interface Provisioned {
  readonly of: FunctionName;
  readonly environments: number;
  readonly memoryMb: number;
}

/** Reads an ARN with alias or version, and `10 x 1024`; undefined when one of them is something else. */
export function provisionedOf(arn: string, value: string): Provisioned | undefined {
  const of = functionOfArn(arn);
  const match = /^(\d{1,6}) ?x ?(\d{3,5})$/.exec(value.trim());
  if (of === undefined || of.version === '' || match === null) return undefined;
  return { of, environments: Number(match[1]), memoryMb: Number(match[2]) };
}

/** What provisioned concurrency counts in the minute of a time, milliseconds. The same minute gives the same records. */
export function provisionedMinute(
  table: Readonly<Record<string, string>>,
  atMs: number,
): readonly Pushed[] {
  const minute = Math.floor(atMs / MINUTE_MS);
  return Object.entries(table).flatMap(([arn, value]) => {
    const provisioned = provisionedOf(arn, value);
    if (provisioned === undefined) return [];
    const { of, environments, memoryMb } = provisioned;
    const tally = new Tally();
    tally.add(arn, { ...of, memory: String(memoryMb) }, atMs, {
      provisioned_mb_ms: environments * memoryMb * MINUTE_MS,
    });
    return tally.records(`provisioned ${arn} ${minute}`);
  });
}
