export const CATALOGUE = { receiver: {}, processor: {}, exporter: {}, extension: {} } as const;
