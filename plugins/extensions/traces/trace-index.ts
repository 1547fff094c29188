import {
  addToSample,
  addToTotals,
  type Cell,
  emptyCell,
  OTHER_SERVICES,
  rankOf,
  type Sample,
} from './cell.ts';
import { decodeCell, encodeCell } from './cell-bytes.ts';
import { type Attributes, ID_BYTES, type SpanBatch } from './span-batch.ts';
import type { NameTable, Store } from './store.ts';

/** What bounds the index. Hours and bytes beyond are forgotten, oldest first; resources and services beyond are not taken in. */
export interface IndexLimits {
  readonly sampleHours: number;
  readonly totalHours: number;
  readonly maxBytes: number;
  readonly maxResources: number;
  readonly maxServices: number;
  /** Spans shown of one resource in one hour. */
  readonly samples: number;
}

/** What the index is told of resources: both are names that are equal for equal things. */
export interface Naming {
  /** Names by which the resource is known. */
  keysOf(attributes: Attributes): readonly string[];
  /** Name of the service; undefined when there is none. */
  serviceOf(attributes: Attributes): string | undefined;
}

/** What was left out, for the counters. */
export interface IndexEvents {
  /** Cells that lost their sample or all, because they were too old or the index too large. */
  evicted(cells: number, reason: 'age' | 'size'): void;
  /** Spans of resources or services beyond the limits. */
  dropped(spans: number, reason: 'resources' | 'services'): void;
}

export interface IndexOptions {
  readonly store: Store;
  readonly limits: IndexLimits;
  readonly naming: Naming;
  readonly events: IndexEvents;
}

/** Spans by resource and hour: exact totals by service and a weighted sample. */
export interface TraceIndex {
  /** Takes the spans in; those outside its hours are rejected in the batch. Throws what SQLite throws. */
  add(batch: SpanBatch, nowMs: number): void;
  /** Names of all resources. */
  resources(): Iterable<string>;
  /** What is known of a resource in an hour (since 1970); undefined: nothing. */
  cell(resource: string, hour: number): Cell | undefined;
  /** Name of a service by its number; undefined of `OTHER_SERVICES`. */
  service(number: number): string | undefined;
  /** Name of the resource that stands for all spans of a service. */
  serviceResource(service: string): string;
  /** Writes what is only in memory, and forgets what is too old or too much. */
  flush(nowMs: number): void;
  stats(): { readonly resources: number; readonly openCells: number; readonly bytes: number };
  /** Writes what is only in memory and closes the store. */
  close(nowMs: number): void;
}

export const HOUR_MS = 3_600_000;

/** An index over a store. */
export function createTraceIndex(options: IndexOptions): TraceIndex {
  return new OpenIndex(options);
}

const HOUR_NS = 3_600e9;
/** Hours fit in 20 bits until the year 2089. */
const HOURS = 1_048_576;
/** Clocks may be this wrong. */
const AHEAD_MS = HOUR_MS;
/** Cells in memory; beyond it they are written and read again. */
const MOST_OPEN = 65_536;
/** Hours whose cells stay in memory after they were written. */
const RECENT_HOURS = 2;

/** A span's resource, as numbers. */
interface Known {
  readonly resources: readonly number[];
  readonly serviceResource: number | undefined;
  readonly service: number;
  /** Limits left some out. */
  readonly isResourceMissing: boolean;
  readonly isServiceMissing: boolean;
}

class OpenIndex implements TraceIndex {
  readonly #options: IndexOptions;
  readonly #resources: Names;
  readonly #services: Names;
  readonly #open = new Map<number, Cell>();
  readonly #dirty = new Set<number>();
  #known: Known[] = [];
  #prunedHour = 0;

  constructor(options: IndexOptions) {
    const { store, limits } = options;
    this.#options = options;
    this.#resources = new Names(store, 'resources', limits.maxResources);
    this.#services = new Names(store, 'services', limits.maxServices);
  }

  add(batch: SpanBatch, nowMs: number): void {
    if (this.#open.size >= MOST_OPEN) this.#makeRoom();
    this.#known = [];
    for (const attributes of batch.resources) this.#known.push(this.#knownOf(attributes));
    const { limits, events } = this.#options;
    const oldest = Math.floor(nowMs / HOUR_MS) - limits.sampleHours;
    const newest = Math.floor((nowMs + AHEAD_MS) / HOUR_MS);
    const dropped = { resources: 0, services: 0 };
    for (let i = 0; i < batch.size; i++) {
      const startMs = batch.startMs[i] as number;
      const endMs = startMs + (batch.durationNs[i] as number) / 1e6;
      if (endMs < oldest * HOUR_MS) batch.reject('a span older than the index keeps');
      else if (startMs > nowMs + AHEAD_MS) batch.reject('a span of the future');
      else {
        const known = this.#known[batch.resource[i] as number] as Known;
        if (known.isResourceMissing) dropped.resources++;
        if (known.isServiceMissing) dropped.services++;
        this.#span(batch, i, { known, oldest, newest });
      }
    }
    for (const reason of ['resources', 'services'] as const)
      if (dropped[reason] > 0) events.dropped(dropped[reason], reason);
  }

  resources(): Iterable<string> {
    return this.#resources.numbers.keys();
  }

  cell(resource: string, hour: number): Cell | undefined {
    const number = this.#resources.numbers.get(resource);
    if (number === undefined) return undefined;
    const open = this.#open.get(number * HOURS + hour);
    if (open !== undefined) return open;
    const bytes = this.#options.store.load(number, hour);
    return bytes === undefined ? undefined : decodeCell(bytes, hour * HOUR_MS);
  }

  service(number: number): string | undefined {
    return this.#services.name(number);
  }

  serviceResource(service: string): string {
    return `service ${service}`;
  }

  flush(nowMs: number): void {
    this.#save();
    const hour = Math.floor(nowMs / HOUR_MS);
    for (const key of this.#open.keys())
      if (key % HOURS <= hour - RECENT_HOURS) this.#open.delete(key);
    this.#prune(hour);
  }

  stats(): { readonly resources: number; readonly openCells: number; readonly bytes: number } {
    const { store } = this.#options;
    return {
      resources: this.#resources.numbers.size,
      openCells: this.#open.size,
      bytes: store.size(),
    };
  }

  close(nowMs: number): void {
    try {
      this.flush(nowMs);
    } finally {
      this.#options.store.close();
    }
  }

  #knownOf(attributes: Attributes): Known {
    const { keysOf, serviceOf } = this.#options.naming;
    const service = serviceOf(attributes);
    const keys = keysOf(attributes);
    const resources = keys
      .map((key) => this.#resources.number(key))
      .filter((number) => number !== undefined);
    const number = service === undefined ? undefined : this.#services.number(service);
    const isNamed = service !== undefined && number !== undefined;
    return {
      resources,
      service: number ?? OTHER_SERVICES,
      serviceResource: isNamed ? this.#resources.number(this.serviceResource(service)) : undefined,
      isResourceMissing: resources.length < keys.length,
      isServiceMissing: service !== undefined && number === undefined,
    };
  }

  #span(
    batch: SpanBatch,
    i: number,
    {
      known,
      oldest,
      newest,
    }: { readonly known: Known; readonly oldest: number; readonly newest: number },
  ): void {
    const startMs = batch.startMs[i] as number;
    const durationNs = batch.durationNs[i] as number;
    const startHour = Math.floor(startMs / HOUR_MS);
    const offsetNs = (startMs - startHour * HOUR_MS) * 1e6 + (batch.startNanos[i] as number);
    const endNs = offsetNs + durationNs;
    const lastHour = startHour + Math.floor(Math.max(offsetNs, endNs - 1) / HOUR_NS);
    for (let hour = Math.max(startHour, oldest); hour <= Math.min(lastHour, newest); hour++) {
      const hourNs = (hour - startHour) * HOUR_NS;
      const partNs = Math.min(endNs, hourNs + HOUR_NS) - Math.max(offsetNs, hourNs);
      for (const resource of known.resources)
        this.#addTo(resource, hour, { batch, i, known, partNs, isFirstHour: hour === startHour });
      if (known.serviceResource !== undefined)
        this.#addTo(known.serviceResource, hour, {
          batch,
          i,
          known,
          partNs,
          isFirstHour: hour === startHour,
          totalsOnly: true,
        });
    }
  }

  #addTo(resource: number, hour: number, span: AddedSpan): void {
    const { batch, i, known } = span;
    const cell = this.#cellFor(resource, hour);
    const requests = batch.requests[i] as number;
    const weight = addToTotals(cell, {
      service: known.service,
      isFirstHour: span.isFirstHour,
      error: batch.error[i] === 1,
      partNs: span.partNs,
      requests,
      usage: batch.usage[i] as number,
    });
    if (span.totalsOnly === true) cell.samples = undefined;
    if (cell.samples === undefined) return;
    const rank = rankOf(batch.ids, i * ID_BYTES, weight);
    const most = this.#options.limits.samples + 1;
    if (cell.samples.length === most && rank > (cell.samples[most - 1] as Sample).rank) return;
    const sample = {
      ids: batch.ids.slice(i * ID_BYTES, (i + 1) * ID_BYTES),
      service: known.service,
      startMs: batch.startMs[i] as number,
      durationUs: Math.round((batch.durationNs[i] as number) / 1e3),
      requests,
      weight,
      rank,
    };
    addToSample(cell.samples, sample, most);
  }

  #cellFor(resource: number, hour: number): Cell {
    const key = resource * HOURS + hour;
    this.#dirty.add(key);
    const open = this.#open.get(key);
    if (open !== undefined) return open;
    const bytes = this.#options.store.load(resource, hour);
    const cell = bytes === undefined ? emptyCell() : decodeCell(bytes, hour * HOUR_MS);
    this.#open.set(key, cell);
    return cell;
  }

  #makeRoom(): void {
    this.#save();
    this.#open.clear();
  }

  #save(): void {
    if (this.#dirty.size === 0) return;
    const cells = Array.from(this.#dirty, (key) => {
      const hour = key % HOURS;
      const cell = this.#open.get(key) as Cell;
      return { hour, resource: Math.floor(key / HOURS), ...encodeCell(cell, hour * HOUR_MS) };
    });
    this.#options.store.save(cells);
    this.#dirty.clear();
  }

  #prune(hour: number): void {
    const { store, limits, events } = this.#options;
    if (this.#prunedHour !== hour) {
      this.#prunedHour = hour;
      const cells = store.expire(hour - limits.sampleHours, hour - limits.totalHours);
      if (cells > 0) events.evicted(cells, 'age');
      this.#forgetResources();
    }
    let dropped = 0;
    while (store.size() > limits.maxBytes) {
      const cells = store.dropOldestHour();
      if (cells === 0) break;
      dropped += cells;
    }
    if (dropped === 0) return;
    events.evicted(dropped, 'size');
    this.#open.clear();
    this.#forgetResources();
  }

  #forgetResources(): void {
    if (this.#options.store.dropUnusedResources()) this.#resources.reload();
  }
}

interface AddedSpan {
  readonly batch: SpanBatch;
  readonly i: number;
  readonly known: Known;
  /** Nanoseconds within the hour. */
  readonly partNs: number;
  readonly isFirstHour: boolean;
  readonly totalsOnly?: boolean;
}

/** Names and their numbers, as they are in a table of the store. */
class Names {
  readonly numbers = new Map<string, number>();
  readonly #byNumber = new Map<number, string>();
  readonly #store: Store;
  readonly #table: NameTable;
  readonly #most: number;

  constructor(store: Store, table: NameTable, most: number) {
    this.#store = store;
    this.#table = table;
    this.#most = most;
    this.reload();
  }

  reload(): void {
    this.numbers.clear();
    this.#byNumber.clear();
    for (const [name, number] of this.#store.names(this.#table)) this.#keep(name, number);
  }

  name(number: number): string | undefined {
    return this.#byNumber.get(number);
  }

  /** The number of a name, a new one if there is room; undefined otherwise. */
  number(name: string): number | undefined {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    if (this.numbers.size >= this.#most) return undefined;
    const number = this.#store.addName(this.#table, name);
    this.#keep(name, number);
    return number;
  }

  #keep(name: string, number: number): void {
    this.numbers.set(name, number);
    this.#byNumber.set(number, name);
  }
}
