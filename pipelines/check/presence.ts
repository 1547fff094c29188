import type { Note } from './report.ts';
import { levelOf, type Rule } from './rule.ts';

/** What is known of a provider's abilities. */
export type Applicability = 'all' | readonly string[] | undefined;

/** Presence rules that are broken, and those about which nothing can be said. */
export interface Presence {
  readonly missing: readonly Rule[];
  readonly notes: readonly Note[];
}

/**
 * Holds the presence rules against the header. A conditional column is demanded only where the provider supports what it
 * is for; when that is not known, its absence is a note, as is the absence of a recommended one.
 */
export function checkPresence(
  rules: readonly Rule[],
  header: (name: string) => string | undefined,
  applicability: Applicability,
): Presence {
  const missing: Rule[] = [];
  const unknown = new Map<string, Rule>();
  for (const rule of rules) {
    if (rule.check.op !== 'present' || header(rule.column) !== undefined) continue;
    const demanded = isDemanded(rule, applicability);
    if (demanded === true) missing.push(rule);
    else if (demanded === undefined && levelOf(rule.keyword) === 'error')
      unknown.set(rule.column, rule);
  }
  return { missing, notes: [...unknown.values()].map(noteOf) };
}

function isDemanded(
  { applicability: flags = [] }: Rule,
  supported: Applicability,
): boolean | undefined {
  if (flags.length === 0 || supported === 'all') return true;
  if (supported === undefined) return undefined;
  const known = new Set(supported.map((flag) => flag.replace(/_SUPPORTED$/, '')));
  return flags.every((flag) => known.has(flag));
}

function noteOf({ id, column, applicability = [] }: Rule): Note {
  const needs = applicability.map((flag) => flag.toLowerCase().replaceAll('_', ' ')).join(' and ');
  return {
    id,
    column,
    needs,
    message: `${column} is missing, which is right only if the provider has no ${needs} [${id}]`,
  };
}
