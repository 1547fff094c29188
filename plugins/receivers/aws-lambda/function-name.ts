/** Which function it was. */
export interface FunctionName {
  readonly account: string;
  /** Empty when it is not known. */
  readonly region: string;
  readonly name: string;
  /** `$LATEST` or a number; empty when it is not known. */
  readonly version: string;
}

const ARN = /^arn:aws[\w-]*:lambda:([\w-]+):(\d{12}):function:([\w-]+)(?::([\w$-]+))?$/;

/** Reads `arn:aws:lambda:eu-west-1:123456789012:function:checkout:live`; undefined when it is no such thing. A version wins over what the ARN ends with. */
export function functionOfArn(
  arn: string | undefined,
  version?: string | undefined,
): FunctionName | undefined {
  const match = ARN.exec(arn ?? '');
  if (match === null) return undefined;
  const [, region = '', account = '', name = '', qualifier = ''] = match;
  return { account, region, name, version: version ?? qualifier };
}

/**
 * Which function writes to a log stream: `/aws/lambda/checkout` and `2026/09/17/[7]0a1b…`, or any other group and
 * `2026/09/17/checkout[7]0a1b…`.
 */
export function functionOfLog(of: {
  readonly group: string;
  readonly stream: string;
  readonly account: string;
  readonly region: string;
}): FunctionName | undefined {
  const { group, stream, account, region } = of;
  const match = /^\d{4}\/\d\d\/\d\d\/([\w-]*)\[([^\]]+)\]/.exec(stream);
  const grouped = /^\/aws\/lambda\/([\w-]+)$/.exec(group)?.[1];
  const name = match?.[1] || grouped;
  return name === undefined ? undefined : { account, region, name, version: match?.[2] ?? '' };
}

/** The ARN without a version; undefined when the region is not known. */
export function arnOf({ account, region, name }: FunctionName): string | undefined {
  return region === ''
    ? undefined
    : `arn:${partitionOf(region)}:lambda:${region}:${account}:function:${name}`;
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
