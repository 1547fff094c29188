import type { SchemaElement } from 'hyparquet';

/** A column of values as it is stored. */
export interface Leaf {
  readonly element: SchemaElement;
  /** Number of its chunk in each row group. */
  readonly index: number;
  /** Dotted, for messages. */
  readonly path: string;
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

/**
 * How stored values make up a cell. `definition`: level from which on it is not null. `first`, `count`: its leaves among
 * those of its top column.
 */
export type Shape = (
  | { readonly kind: 'leaf'; readonly leaf: Leaf }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] }
  | { readonly kind: 'list'; readonly element: Shape; readonly repetition: number }
  | {
      readonly kind: 'map';
      readonly key: Shape;
      readonly value: Shape | undefined;
      readonly repetition: number;
    }
) & { readonly definition: number; readonly first: number; readonly count: number };

/** A named part of a struct. */
export interface Field {
  readonly name: string;
  readonly shape: Shape;
}

/** A column of the table. */
export interface TopColumn {
  readonly name: string;
  readonly shape: Shape;
  readonly leaves: readonly Leaf[];
}

/** Levels deeper than this are refused. */
const MAX_LEVELS = 100;

/** The columns of a table from the flat list of the footer; throws an Error that says what is wrong. */
export function columnsOfSchema(schema: readonly SchemaElement[]): TopColumn[] {
  const root = schema[0];
  if (root === undefined || root.num_children === undefined)
    throw new Error('the schema has no root');
  const walk = new Walk(schema);
  const columns: TopColumn[] = [];
  for (let child = 0; child < root.num_children; child++) columns.push(walk.top());
  if (!walk.finished) throw new Error('the schema has more elements than it says');
  return columns;
}

class Walk {
  readonly #schema: readonly SchemaElement[];
  #at = 1;
  #leafIndex = 0;
  #leaves: Leaf[] = [];
  readonly #path: string[] = [];

  constructor(schema: readonly SchemaElement[]) {
    this.#schema = schema;
  }

  get finished(): boolean {
    return this.#at === this.#schema.length;
  }

  top(): TopColumn {
    this.#leaves = [];
    const shape = this.#node(0, 0);
    return { name: this.#path[0] ?? '', shape, leaves: this.#leaves };
  }

  #next(): SchemaElement {
    const element = this.#schema[this.#at++];
    if (element === undefined) throw new Error('the schema has fewer elements than it says');
    if (typeof element.name !== 'string') throw new Error('the schema has a column without a name');
    return element;
  }

  #node(definition: number, repetition: number, depth = 0): Shape {
    const element = this.#next();
    this.#path.length = depth;
    this.#path.push(element.name);
    if (depth > MAX_LEVELS) throw new Error('the schema is nested too deeply');
    if (element.repetition_type !== 'REPEATED')
      return this.#body(
        element,
        element.repetition_type === 'OPTIONAL' ? definition + 1 : definition,
        repetition,
        depth,
      );
    const first = this.#leaves.length;
    const inner = this.#body(element, definition + 1, repetition + 1, depth);
    return {
      kind: 'list',
      definition,
      repetition: repetition + 1,
      element: inner,
      first,
      count: this.#leaves.length - first,
    };
  }

  #body(element: SchemaElement, definition: number, repetition: number, depth: number): Shape {
    const first = this.#leaves.length;
    if (element.num_children === undefined || element.type !== undefined)
      return this.#leaf(element, definition, repetition);
    if (element.num_children < 1) throw new Error(`the group "${element.name}" has no columns`);
    const inner = this.#schema[this.#at];
    const wraps = element.num_children === 1 && inner?.repetition_type === 'REPEATED';
    const place = { definition, first };
    if (wraps && isMap(element) && (inner.num_children === 1 || inner.num_children === 2)) {
      this.#next();
      const key = this.#node(definition + 1, repetition + 1, depth + 1);
      const value =
        inner.num_children === 2
          ? this.#node(definition + 1, repetition + 1, depth + 1)
          : undefined;
      const count = this.#leaves.length - first;
      return { kind: 'map', ...place, count, key, value, repetition: repetition + 1 };
    }
    if (wraps && isList(element)) {
      this.#next();
      const item = isListWrapper(element, inner)
        ? this.#node(definition + 1, repetition + 1, depth + 1)
        : this.#body(inner, definition + 1, repetition + 1, depth + 1);
      const count = this.#leaves.length - first;
      return { kind: 'list', ...place, count, element: item, repetition: repetition + 1 };
    }
    const fields: Field[] = [];
    for (let child = 0; child < element.num_children; child++) {
      const name = this.#schema[this.#at]?.name ?? '';
      fields.push({ name, shape: this.#node(definition, repetition, depth + 1) });
    }
    return { kind: 'struct', ...place, count: this.#leaves.length - first, fields };
  }

  #leaf(element: SchemaElement, definition: number, repetition: number): Shape {
    if (element.type === undefined) throw new Error(`the column "${element.name}" has no type`);
    const leaf: Leaf = {
      element,
      index: this.#leafIndex++,
      path: this.#path.join('.'),
      maxDefinition: definition,
      maxRepetition: repetition,
    };
    const first = this.#leaves.push(leaf) - 1;
    return { kind: 'leaf', leaf, definition, first, count: 1 };
  }
}

function isMap(element: SchemaElement): boolean {
  return (
    element.logical_type?.type === 'MAP' ||
    element.converted_type === 'MAP' ||
    element.converted_type === 'MAP_KEY_VALUE'
  );
}

function isList(element: SchemaElement): boolean {
  return element.logical_type?.type === 'LIST' || element.converted_type === 'LIST';
}

/** Whether the repeated group only wraps the element, as the format prescribes; older writers repeat the element itself. */
function isListWrapper(list: SchemaElement, repeated: SchemaElement): boolean {
  return (
    repeated.num_children === 1 &&
    repeated.name !== 'array' &&
    repeated.name !== `${list.name}_tuple`
  );
}
