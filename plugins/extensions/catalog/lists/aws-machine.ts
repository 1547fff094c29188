/** What AWS says of an instance in its price list of EC2. */
export interface AwsInstance {
  /** Instance type; empty of what is no instance. */
  readonly type: string;
  readonly operatingSystem: string;
  readonly tenancy: string;
  /** Pre-installed software: `NA`, `SQL Std`, … */
  readonly software: string;
  /** `Used`; unused capacity reservations and what runs in one have prices of their own. */
  readonly capacity: string;
  readonly license: string;
}

const SYSTEMS: Readonly<Record<string, string>> = { Linux: '', Windows: '/windows' };

/** The machine that a node of a cluster is: Linux or Windows on shared hardware without other software; undefined of all others. */
export function awsMachine(of: AwsInstance): string | undefined {
  const system = SYSTEMS[of.operatingSystem];
  const isPlain =
    of.type !== '' &&
    of.tenancy === 'Shared' &&
    of.software === 'NA' &&
    of.capacity === 'Used' &&
    of.license !== 'Bring your own license';
  return isPlain && system !== undefined ? of.type + system : undefined;
}
