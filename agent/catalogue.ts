/** Every built-in plugin by kind and type. Written by `npm run docs` from the folders below plugins/. */
export const CATALOGUE = {
  receiver: {
    'aws-data-exports': () => import('../plugins/receivers/aws-data-exports/index.ts'),
    'aws-lambda': () => import('../plugins/receivers/aws-lambda/index.ts'),
    'azure-exports': () => import('../plugins/receivers/azure-exports/index.ts'),
    'azure-functions': () => import('../plugins/receivers/azure-functions/index.ts'),
    'ci-http': () => import('../plugins/receivers/ci-http/index.ts'),
    files: () => import('../plugins/receivers/files/index.ts'),
    'focus-http': () => import('../plugins/receivers/focus-http/index.ts'),
    forward: () => import('../plugins/receivers/forward/index.ts'),
    'gcp-billing': () => import('../plugins/receivers/gcp-billing/index.ts'),
    'gcp-run': () => import('../plugins/receivers/gcp-run/index.ts'),
    'github-actions': () => import('../plugins/receivers/github-actions/index.ts'),
    'gitlab-ci': () => import('../plugins/receivers/gitlab-ci/index.ts'),
    http: () => import('../plugins/receivers/http/index.ts'),
    kafka: () => import('../plugins/receivers/kafka/index.ts'),
    kubernetes: () => import('../plugins/receivers/kubernetes/index.ts'),
    nats: () => import('../plugins/receivers/nats/index.ts'),
    'oci-focus': () => import('../plugins/receivers/oci-focus/index.ts'),
  },
  processor: {
    attribute: () => import('../plugins/processors/attribute/index.ts'),
    normalize: () => import('../plugins/processors/normalize/index.ts'),
  },
  exporter: {
    console: () => import('../plugins/exporters/console/index.ts'),
    file: () => import('../plugins/exporters/file/index.ts'),
    kafka: () => import('../plugins/exporters/kafka/index.ts'),
    nats: () => import('../plugins/exporters/nats/index.ts'),
    otlp: () => import('../plugins/exporters/otlp/index.ts'),
  },
  extension: {
    catalog: () => import('../plugins/extensions/catalog/index.ts'),
    debug: () => import('../plugins/extensions/debug/index.ts'),
    health: () => import('../plugins/extensions/health/index.ts'),
    traces: () => import('../plugins/extensions/traces/index.ts'),
  },
} as const;
