import type { ListPrice } from '../list-price.ts';

/** A compute minute of GitLab.com beyond the quota, US dollars: 10 for 1,000. Source: https://about.gitlab.com/pricing/ (2026). */
export const COMPUTE_MINUTE = '0.01';

/** The prices of GitLab.com. */
export const GITLAB_CI: readonly ListPrice[] = [
  {
    provider: 'GitLab',
    sku: 'Compute Minutes',
    region: '',
    unit: 'Compute Minutes',
    tierStart: '0',
    price: COMPUTE_MINUTE,
    currency: 'USD',
    from: '2026-01-01',
    source: 'https://about.gitlab.com/pricing/',
  },
];
