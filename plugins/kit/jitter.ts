/** A pause of about `ms` milliseconds, up to a tenth shorter or longer: many agents do not ask at the same moment. `random` answers between 0 and 1. */
export function jittered(ms: number, random: () => number = Math.random): number {
  return Math.round(ms * (0.9 + 0.2 * random()));
}
