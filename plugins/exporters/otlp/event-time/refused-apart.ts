/** A point that the backend refused, even alone. */
export interface RefusedAlone<P> {
  readonly point: P;
  readonly reason: string;
}

/**
 * Sends points together, and by halves where they are refused together: one that is refused must not take others with it. Answers those that
 * are refused alone; the backend has all others. `send` answers why it refuses, undefined: it has them all. A half that it
 * took in part is sent again, which changes nothing: same series, same time, same value.
 */
export async function sendRefusedApart<P>(
  points: readonly P[],
  send: (points: readonly P[]) => Promise<string | undefined>,
): Promise<readonly RefusedAlone<P>[]> {
  const [point] = points;
  if (point === undefined) return [];
  const reason = await send(points);
  if (reason === undefined) return [];
  if (points.length === 1) return [{ point, reason }];
  const half = Math.ceil(points.length / 2);
  const first = await sendRefusedApart(points.slice(0, half), send);
  return [...first, ...(await sendRefusedApart(points.slice(half), send))];
}
