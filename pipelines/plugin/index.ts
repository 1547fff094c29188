export * from './contract.ts';
export * from './delivery.ts';
export * from './errors.ts';
export * from './inspection.ts';
export * from './links.ts';
export * from './points.ts';
export * from './settings.ts';
export * from './totals.ts';
