import { Misconfigured } from '../../../pipelines/plugin/errors.ts';

/** A table of BigQuery. */
export interface TableName {
  readonly project: string;
  readonly dataset: string;
  readonly table: string;
}

/**
 * Names as Google gives them out, nothing that could end a quoted name in a query: projects (with the `example.com:` of old domains), datasets,
 * tables. Source: BigQuery's pages on naming; tables may have more letters than these, exports of bills do not.
 */
const PROJECT = /^(?:[a-z0-9][a-z0-9.-]{0,100}:)?[a-z][a-z0-9-]{2,61}[a-z0-9]$/;
const DATASET = /^[A-Za-z0-9_]{1,1024}$/;
const TABLE = /^[A-Za-z0-9_-]{1,1024}$/;

/** Reads `project.dataset.table`; throws `Misconfigured` for the setting at `path` when it is anything else. */
export function tableName(text: string, path: string): TableName {
  const [, project = '', dataset = '', table = ''] = /^(.+)\.([^.]+)\.([^.]+)$/.exec(text) ?? [];
  if (!PROJECT.test(project) || !DATASET.test(dataset) || !TABLE.test(table))
    throw new Misconfigured(`${JSON.stringify(text.slice(0, 200))} is no name of a table`, {
      path,
      hint: 'write project.dataset.table, such as my-project.billing.gcp_billing_export_resource_v1_0123AB_4567CD_89EF01',
    });
  return { project, dataset, table };
}

/** Checks the name of a project; throws `Misconfigured` for the setting at `path`. */
export function projectName(text: string, path: string): string {
  if (PROJECT.test(text)) return text;
  throw new Misconfigured(`${JSON.stringify(text.slice(0, 200))} is no id of a project`, {
    path,
    hint: 'the id, such as my-project-123, not the number and not the display name',
  });
}

/** The name as a query quotes it. */
export function quoted({ project, dataset, table }: TableName): string {
  return `\`${project}.${dataset}.${table}\``;
}

/** The name as people write it. */
export function written({ project, dataset, table }: TableName): string {
  return `${project}.${dataset}.${table}`;
}
