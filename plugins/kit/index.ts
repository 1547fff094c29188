export * from './clock.ts';
export * from './endpoint.ts';
export * from './http.ts';
export * from './limit.ts';
export * from './network-errors.ts';
export * from './retry.ts';
export * from './tls.ts';
export * from './watch.ts';
