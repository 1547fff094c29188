/** Looking into the `Elements` of a JSON column. Keys are compared without case. */
import { isUnit } from './formats.ts';
import type { JsonObject } from './rule.ts';

/** One element by lower-case key. */
export type Element = ReadonlyMap<string, unknown>;

/** A test of one element. */
export type Each = (element: Element) => boolean;

/** Keys that FOCUS defines in elements of AllocatedMethodDetails. */
export const RATIO_KEYS = ['allocatedratio', 'usagequantity', 'usageunit'];

/** Keys that FOCUS defines in elements of ContractApplied. */
export const APPLIED_KEYS = [
  'contractid',
  'contractcommitmentid',
  'contractcommitmentappliedcost',
  'contractcommitmentappliedquantity',
  'contractcommitmentappliedunit',
];

/** The same, one by one. */
export const [CONTRACT, COMMITMENT, COST, QUANTITY, UNIT] = APPLIED_KEYS as [
  string,
  string,
  string,
  string,
  string,
];

/** The elements, none when there is no such array. */
export function elementsOf(value: JsonObject): readonly unknown[] {
  return Array.isArray(value.Elements) ? value.Elements : [];
}

/** Whether `Elements` is an array. */
export function hasElements(value: JsonObject): boolean {
  return Array.isArray(value.Elements);
}

/** Whether all elements are objects. */
export function objectsOnly(value: JsonObject): boolean {
  return elementsOf(value).every(isObject);
}

/** The test holds for every element that is an object. */
export function each(test: Each): (value: JsonObject) => boolean {
  return (value) =>
    elementsOf(value).every((element) => !isObject(element) || test(lowerKeys(element)));
}

/** The element by lower-case key. */
export function lowerKeys(element: JsonObject): Element {
  return new Map(Object.entries(element).map(([key, value]) => [key.toLowerCase(), value]));
}

/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether the key is there and not null. */
export function isGiven(element: Element, key: string): boolean {
  return (element.get(key) ?? null) !== null;
}

/** No value is an object or an array. */
export function plainValues(element: Element): boolean {
  return [...element.values()].every((value) => value === null || typeof value !== 'object');
}

/** All keys are known or start with `x_`. */
export function keysAre(known: readonly string[]): Each {
  return (element) =>
    [...element.keys()].every((key) => known.includes(key) || key.startsWith('x_'));
}

/** The key, where given, holds a number. */
export function numeric(key: string): Each {
  return (element) => !isGiven(element, key) || typeof element.get(key) === 'number';
}

/** The key, where given, holds text. */
export function textual(key: string): Each {
  return (element) => !isGiven(element, key) || typeof element.get(key) === 'string';
}

/** The key, where it holds text, is not blank. */
export function readable(key: string): Each {
  return (element) => {
    const value = element.get(key);
    return typeof value !== 'string' || value.trim() !== '';
  };
}

/** The key, where it holds text, is a FOCUS unit. */
export function unitIn(key: string): Each {
  return (element) => {
    const value = element.get(key);
    return typeof value !== 'string' || isUnit(value);
  };
}
