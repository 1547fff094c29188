/**
 * Google sells cores and memory, not machines. What of its SKUs an hour of a machine is made of, and how much of that a machine type has.
 * Sources: https://cloud.google.com/compute/docs/machine-resource (shapes), https://cloud.google.com/skus (descriptions).
 */

/** What Google says of a SKU of Compute Engine. */
export interface GoogleSku {
  /** `N2 Instance Core running in Frankfurt`, `Spot Preemptible Compute optimized Ram running in Americas`. */
  readonly description: string;
  /** `OnDemand`, `Preemptible`, `Commit1Yr`, … */
  readonly usageType: string;
  /** `h`, `GiBy.h`. */
  readonly unit: string;
}

const DESCRIPTION =
  /^(?:Spot )?(?:Preemptible )?(?:(?<family>[A-Z]\d[A-Z]?) (?:AMD |Arm |Predefined )?)?(?<optimized>Compute optimized )?(?<custom>Custom )?(?:Instance )?(?<part>Core|Ram) running in /;
const UNITS: Readonly<Record<string, string>> = { Core: 'h', Ram: 'GiBy.h' };
const USAGE: Readonly<Record<string, string>> = { OnDemand: '', Preemptible: '/spot' };

/** The part of machines that a SKU is an hour of: `n2/core`, `n2/ram/spot`, `n1-custom/core`; undefined of all others. */
export function googlePart({ description, usageType, unit }: GoogleSku): string | undefined {
  const { family, optimized, custom, part } = DESCRIPTION.exec(description)?.groups ?? {};
  const sold = USAGE[usageType];
  if (part === undefined || sold === undefined || unit !== UNITS[part]) return undefined;
  // Custom machines of the first generation have no family in their name, compute optimized ones are the C2.
  const name = family ?? (optimized === undefined ? custom && 'N1' : 'C2');
  if (name === undefined) return undefined;
  const of = custom === undefined ? name : `${name}-custom`;
  return `${of}/${part}${sold}`.toLowerCase();
}

/** What a machine is made of. */
export interface GoogleShape {
  /** Parts as `googlePart` names them. */
  readonly core: string;
  readonly ram: string;
  /** How many, decimal text. */
  readonly cores: string;
  readonly gib: string;
}

/** The shape of a machine type, spot or not (`e2-standard-4`, `n2-custom-6-20480/spot`); undefined of what has parts of other kinds: GPUs, local disks, extended memory, licences. */
export function googleShape(machine: string): GoogleShape | undefined {
  const { type, sold = '' } = /^(?<type>[a-z0-9-]+)(?<sold>\/spot)?$/.exec(machine)?.groups ?? {};
  const size = type === undefined ? undefined : (shared(type) ?? predefined(type) ?? custom(type));
  if (size === undefined) return undefined;
  const { of, cores, gib } = size;
  return { core: `${of}/core${sold}`, ram: `${of}/ram${sold}`, cores, gib };
}

interface Size {
  readonly of: string;
  readonly cores: string;
  readonly gib: string;
}

/** Machines that share cores are billed by the part of a core that they may use all the time. */
function shared(type: string): Size | undefined {
  const sizes: Readonly<Record<string, Size>> = {
    'e2-micro': { of: 'e2', cores: '0.25', gib: '1' },
    'e2-small': { of: 'e2', cores: '0.5', gib: '2' },
    'e2-medium': { of: 'e2', cores: '1', gib: '4' },
  };
  return sizes[type];
}

/** GiB of memory for each core, by family and kind; the product is rounded down. */
const MEMORY: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  c2: { standard: 4 },
  c2d: { standard: 4, highmem: 8, highcpu: 2 },
  c3: { standard: 4, highmem: 8, highcpu: 2 },
  c3d: { standard: 4, highmem: 8, highcpu: 2 },
  c4: { standard: 3.75, highmem: 7.75, highcpu: 2 },
  c4a: { standard: 4, highmem: 8, highcpu: 2 },
  e2: { standard: 4, highmem: 8, highcpu: 1 },
  n2: { standard: 4, highmem: 8, highcpu: 1 },
  n2d: { standard: 4, highmem: 8, highcpu: 1 },
  n4: { standard: 4, highmem: 8, highcpu: 2 },
  t2a: { standard: 4 },
  t2d: { standard: 4 },
};
/** Those of the first generation have fractions. */
const MEMORY_N1: Readonly<Record<string, number>> = { standard: 3.75, highmem: 6.5, highcpu: 0.9 };

function predefined(type: string): Size | undefined {
  const {
    of = '',
    kind = '',
    cores,
  } = /^(?<of>[a-z]\d[a-z]?)-(?<kind>[a-z]+)-(?<cores>\d{1,3})$/.exec(type)?.groups ?? {};
  const count = Number(cores);
  const each = of === 'n1' ? MEMORY_N1[kind] : MEMORY[of]?.[kind];
  if (cores === undefined || each === undefined || count === 0) return undefined;
  const gib = of === 'n1' ? Math.round(each * count * 10_000) / 10_000 : Math.floor(each * count);
  return { of, cores, gib: String(gib) };
}

/** Memory in MiB: a multiple of 256. */
function custom(type: string): Size | undefined {
  const {
    of = 'n1',
    cores,
    mib,
  } = /^(?:(?<of>n[12]d?)-)?custom-(?<cores>\d{1,3})-(?<mib>\d{3,7})$/.exec(type)?.groups ?? {};
  if (cores === undefined || Number(mib) % 256 !== 0) return undefined;
  return { of: `${of}-custom`, cores, gib: String(Number(mib) / 1024) };
}
