import { parse } from 'yaml';

/** A rule of Prometheus that alerts or records. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** All rules of a rule file. */
export function rulesOf(text: string): readonly Rule[] {
  const { groups } = parse(text) as {
    readonly groups: readonly { readonly rules: readonly Rule[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}

/** The alerts as a Markdown table: what each is about and what to do. */
export function alertsTable(text: string): string {
  const rows = rulesOf(text).flatMap(({ alert, labels, annotations }) =>
    alert === undefined
      ? []
      : [`| \`${alert}\` | ${labels?.severity ?? ''} | ${annotations?.runbook ?? ''} |`],
  );
  return ['| alert | severity | what to do |', '| --- | --- | --- |', ...rows].join('\n');
}
