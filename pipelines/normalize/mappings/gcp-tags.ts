/** Labels and tags of the billing export as FOCUS tags. */
import { derive, first, map, type Test, type TextExpression, test, text } from '../expressions.ts';
import { isJsonObject, itemsOf, textOf } from '../json-cells.ts';
import type { GcpFields } from './gcp-fields.ts';

/** A row's tags, and what else its labels say. */
export interface GcpTags {
  /** Labels as they are, tags as `namespace/key`, labels of the project as `project/key`, Google's own as `system/key`; the first of equal keys stays. */
  readonly tags: TextExpression;
  /** The list of tags as it stands: says which are inherited. */
  readonly inherited: TextExpression;
  /** A label that Google sets. */
  system(key: string): TextExpression;
  /** A list that is none. */
  readonly unreadable: Test;
}

/** Reads the labels and tags of a part's rows. */
export function gcpTags(fields: GcpFields): GcpTags {
  const read = (cell: string | undefined) =>
    cell === undefined ? [] : (entriesOf(fields.read(cell)) ?? []);
  const labels = fields.list('labels', ['key', 'value']);
  const tags = fields.list('tags', ['key', 'value', 'inherited', 'namespace']);
  const nested = map('project', (cell) => {
    const record = fields.read(cell);
    return isJsonObject(record) && record.labels ? JSON.stringify(record.labels) : undefined;
  });
  const project = fields.input.has('project')
    ? first(nested, 'project.labels')
    : text('project.labels');
  const system = fields.list('system_labels', ['key', 'value']);
  const lists = [labels, tags, project, system] as const;
  return {
    inherited: map(tags, (cell) => (read(cell).length === 0 ? undefined : cell)),
    system: (key) => map(system, (cell) => read(cell).find((entry) => entry.key === key)?.value),
    tags: derive(lists, (...cells) => {
      const merged = new Map<string, string>();
      cells.forEach((cell, i) => {
        for (const { key, value, namespace } of read(cell)) {
          const name =
            namespace === undefined ? `${PREFIXES[i] ?? ''}${key}` : `${namespace}/${key}`;
          if (!merged.has(name)) merged.set(name, value);
        }
      });
      return merged.size === 0 ? undefined : JSON.stringify(Object.fromEntries(merged));
    }),
    unreadable: test(lists, (...cells) =>
      cells.some((cell) => cell !== undefined && entriesOf(fields.read(cell)) === undefined),
    ),
  };
}

const PREFIXES = ['', '', 'project/', 'system/'];

interface Entry {
  readonly key: string;
  readonly value: string;
  readonly namespace: string | undefined;
}

/** `[{key, value}]`, or a plain object. */
function entriesOf(value: unknown): readonly Entry[] | undefined {
  if (isJsonObject(value) && !('key' in value) && !('list' in value))
    return Object.entries(value).map(([key, tag]) => ({
      key,
      value: textOf(tag) ?? '',
      namespace: undefined,
    }));
  const entries = itemsOf(value);
  if (!entries?.every(isJsonObject)) return undefined;
  return entries.flatMap((entry) => {
    const key = textOf(entry.key);
    return key === undefined
      ? []
      : [{ key, value: textOf(entry.value) ?? '', namespace: textOf(entry.namespace) }];
  });
}
