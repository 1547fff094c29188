/** Which of the deliveries that came whole counts next. Pure: nothing here reads or writes. */

/** One attempt at a delivery, as far as it has come. */
export interface Standing {
  readonly attempt: number;
  /** `open`: some of it is missing; `whole`: all of it has come; `counted`: it is committed. */
  readonly status: 'open' | 'whole' | 'counted';
  /** Of a scope of which only what changed is sent. */
  readonly restated?: { readonly number: number; readonly whole: boolean };
}

/** It brings all charges of its scope, not only what changed. */
export function isBase({ restated }: Pick<Standing, 'restated'>): boolean {
  return restated === undefined || restated.whole;
}

/** The newest that counts. */
export function newestCounted<S extends Standing>(of: readonly S[]): S | undefined {
  return newest(of.filter(({ status }) => status === 'counted'));
}

/**
 * What of one agent's scope counts next: the newest attempt that brings all charges; else the changes that follow on the revision that counts.
 * Undefined: nothing that came whole is newer, or what it builds on is missing.
 */
export function nextToCount<S extends Standing>(of: readonly S[]): S | undefined {
  const counted = newestCounted(of);
  const due = of.filter(
    ({ status, attempt }) => status === 'whole' && attempt > (counted?.attempt ?? -1),
  );
  const follows = (counted?.restated?.number ?? Number.NaN) + 1;
  return (
    newest(due.filter(isBase)) ??
    newest(due.filter((one) => !isBase(one) && one.restated?.number === follows))
  );
}

/** What is void once `counted` counts: everything older, but for what its changes build on. */
export function voidAfter<S extends Standing>(of: readonly S[], counted: S): readonly S[] {
  return of.filter(
    (one) =>
      one !== counted &&
      one.attempt < counted.attempt &&
      (isBase(counted) || one.status !== 'counted'),
  );
}

function newest<S extends Standing>(of: readonly S[]): S | undefined {
  return of.reduce<S | undefined>(
    (best, one) => (best === undefined || one.attempt > best.attempt ? one : best),
    undefined,
  );
}
