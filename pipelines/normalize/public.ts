/** The language of mapping tables, for packages that bring their own (`focusd/mapping`): pure, loaded in the worker threads. */
export { type Decimal, divide, formatDecimal, multiply, parseDecimal } from '../focus/decimal.ts';
export * from './expressions.ts';
export {
  type DropRule,
  defineMapping,
  type Mapping,
  type MappingInput,
  type MappingTable,
  type RejectRule,
  type RepairRule,
  type RowTemplate,
} from './mapping.ts';
export { readTime } from './written-times.ts';
