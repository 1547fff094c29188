export * from './amounts.ts';
export * from './batch.ts';
export * from './columns.ts';
export * from './decimal.ts';
export * from './dictionary.ts';
export * from './sums.ts';
export * from './times.ts';
export * from './version.ts';
