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
    const shape = this.#node({ definition: 0, repetition: 0, depth: 0 });
    return { name: this.#path[0] ?? '', shape, leaves: this.#leaves };
  }

  #next(): SchemaElement {
    const element = this.#schema[this.#at++];
    if (element === undefined) throw new Error('the schema has fewer elements than it says');
    if (typeof element.name !== 'string') throw new Error('the schema has a column without a name');
    return element;
  }

  #node(levels: Levels): Shape {
    const element = this.#next();
    this.#path.length = levels.depth;
    this.#path.push(element.name);
    if (levels.depth > MAX_LEVELS) throw new Error('the schema is nested too deeply');
    if (element.repetition_type === 'OPTIONAL')
      return this.#body(element, { ...levels, definition: levels.definition + 1 });
    if (element.repetition_type !== 'REPEATED') return this.#body(element, levels);
    const first = this.#leaves.length;
    const items = this.#body(element, { ...repeated(levels), depth: levels.depth });
    return this.#listOf(items, levels, first);
  }

  #body(element: SchemaElement, levels: Levels): Shape {
    if (element.num_children === undefined || element.type !== undefined)
      return this.#leaf(element, levels);
    if (element.num_children < 1) throw new Error(`the group "${element.name}" has no columns`);
    const inner = this.#schema[this.#at];
    if (element.num_children === 1 && inner?.repetition_type === 'REPEATED') {
      if (isMap(element) && (inner.num_children === 1 || inner.num_children === 2))
        return this.#map(levels);
      if (isList(element)) return this.#list(element, levels);
    }
    const first = this.#leaves.length;
    const fields: Field[] = [];
    for (let child = 0; child < element.num_children; child++) {
      const name = this.#schema[this.#at]?.name ?? '';
      fields.push({ name, shape: this.#node({ ...levels, depth: levels.depth + 1 }) });
    }
    const count = this.#leaves.length - first;
    return { kind: 'struct', definition: levels.definition, first, count, fields };
  }

  #map(levels: Levels): Shape {
    const first = this.#leaves.length;
    const entry = this.#next();
    const key = this.#node(repeated(levels));
    const value = entry.num_children === 2 ? this.#node(repeated(levels)) : undefined;
    const count = this.#leaves.length - first;
    const { definition, repetition } = levels;
    return { kind: 'map', definition, repetition: repetition + 1, first, count, key, value };
  }

  #list(list: SchemaElement, levels: Levels): Shape {
    const first = this.#leaves.length;
    const inner = this.#next();
    const element = isListWrapper(list, inner)
      ? this.#node(repeated(levels))
      : this.#body(inner, repeated(levels));
    return this.#listOf(element, levels, first);
  }

  #listOf(element: Shape, { definition, repetition }: Levels, first: number): Shape {
    const count = this.#leaves.length - first;
    return { kind: 'list', definition, repetition: repetition + 1, first, count, element };
  }

  #leaf(element: SchemaElement, levels: Levels): Shape {
    if (element.type === undefined) throw new Error(`the column "${element.name}" has no type`);
    const leaf: Leaf = {
      element,
      index: this.#leafIndex++,
      path: this.#path.join('.'),
      maxDefinition: levels.definition,
      maxRepetition: levels.repetition,
    };
    const first = this.#leaves.push(leaf) - 1;
    return { kind: 'leaf', leaf, definition: levels.definition, first, count: 1 };
  }
}

/** Where in the tree an element stands. */
interface Levels {
  readonly definition: number;
  readonly repetition: number;
  readonly depth: number;
}

/** Below a repeated element. */
function repeated(levels: Levels): Levels {
  return {
    definition: levels.definition + 1,
    repetition: levels.repetition + 1,
    depth: levels.depth + 1,
  };
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
