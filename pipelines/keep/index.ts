/**
 * Charges kept on disk, whole and exact, with their ids: what the next revision of their scope is compared with, and what becomes a
 * correction when a charge vanishes. A file per task, read from its first block on.
 */
export { type KeptBatch, readKept, readKeptIds } from './kept-reader.ts';
export { KeptWriter } from './kept-writer.ts';
export { negated } from './negated.ts';
