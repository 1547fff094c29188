import type { ListPrice } from '../list-price.ts';

/**
 * GitHub-hosted runners, US dollars a minute, by billing SKU.
 * Source: https://docs.github.com/en/billing/reference/actions-runner-pricing, both columns of its table of 2026-01-01.
 */
const SOURCE = 'https://docs.github.com/en/billing/reference/actions-runner-pricing';
const SEEN = '2025-01-01';
const CHANGED = '2026-01-01';

/** The prices of each SKU until and from 2026-01-01; `undefined`: not sold then. */
const TABLE: Readonly<Record<string, readonly [before: string | undefined, since: string]>> = {
  actions_linux_slim: ['0.002', '0.002'],
  actions_linux: ['0.008', '0.006'],
  actions_linux_arm: [undefined, '0.005'],
  actions_windows: ['0.016', '0.010'],
  actions_windows_arm: [undefined, '0.010'],
  actions_macos: ['0.08', '0.062'],
  linux_2_core_advanced: ['0.008', '0.006'],
  linux_4_core: ['0.016', '0.012'],
  linux_8_core: ['0.032', '0.022'],
  linux_16_core: ['0.064', '0.042'],
  linux_32_core: ['0.128', '0.082'],
  linux_64_core: ['0.256', '0.162'],
  linux_96_core: ['0.384', '0.252'],
  windows_4_core: ['0.032', '0.022'],
  windows_8_core: ['0.064', '0.042'],
  windows_16_core: ['0.128', '0.082'],
  windows_32_core: ['0.256', '0.162'],
  windows_64_core: ['0.512', '0.322'],
  windows_96_core: ['0.768', '0.552'],
  linux_2_core_arm: ['0.005', '0.005'],
  linux_4_core_arm: ['0.01', '0.008'],
  linux_8_core_arm: ['0.02', '0.014'],
  linux_16_core_arm: ['0.04', '0.026'],
  linux_32_core_arm: ['0.08', '0.050'],
  linux_64_core_arm: ['0.16', '0.098'],
  windows_2_core_arm: ['0.01', '0.008'],
  windows_4_core_arm: ['0.02', '0.014'],
  windows_8_core_arm: ['0.04', '0.026'],
  windows_16_core_arm: ['0.08', '0.050'],
  windows_32_core_arm: ['0.16', '0.098'],
  windows_64_core_arm: ['0.32', '0.194'],
  macos_l: ['0.12', '0.077'],
  macos_xl: ['0.16', '0.102'],
  linux_4_core_gpu: ['0.07', '0.052'],
  windows_4_core_gpu: ['0.14', '0.102'],
};

/** The prices of GitHub-hosted runners. */
export const GITHUB_ACTIONS: readonly ListPrice[] = Object.entries(TABLE).flatMap(
  ([sku, [before, since]]) => [
    ...(before === undefined ? [] : [{ ...minute(sku, before), from: SEEN, to: CHANGED }]),
    { ...minute(sku, since), from: CHANGED },
  ],
);

function minute(sku: string, price: string): Omit<ListPrice, 'from'> {
  return {
    provider: 'GitHub',
    sku,
    region: '',
    unit: 'Minutes',
    tierStart: '0',
    price,
    currency: 'USD',
    source: SOURCE,
  };
}
