/**
 * Public prices of GitHub-hosted runners, US dollars a minute, by billing SKU.
 * Source: https://docs.github.com/en/billing/reference/actions-runner-pricing, both columns of its table of 2026-01-01.
 */

/** A price and the day (UTC) from which it holds. */
interface DatedPrice {
  readonly from: string;
  readonly price: string;
}

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

const CHANGED = '2026-01-01';

/** SKUs by the labels of GitHub's own images; larger runners have labels that their owner made up. */
const LABELS: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/^ubuntu-slim$/, () => 'actions_linux_slim'],
  [/^ubuntu-\d\d\.\d\d-arm$/, () => 'actions_linux_arm'],
  [/^ubuntu-(?:latest|\d\d\.\d\d)$/, () => 'actions_linux'],
  [/^windows-\d+-arm$/, () => 'actions_windows_arm'],
  [/^windows-(?:latest|20\d\d)(?:-vs\d+)?$/, () => 'actions_windows'],
  [/^macos-(?:latest|\d+)(?:-intel)?$/, () => 'actions_macos'],
  [/^macos-(?:latest|\d+)-large$/, () => 'macos_l'],
  [/^macos-(?:latest|\d+)-xlarge$/, () => 'macos_xl'],
  [/^ubuntu-(?:latest|\d\d\.\d\d)-(\d+)-cores$/, (match) => `linux_${match[1]}_core`],
  [/^windows-(?:latest|20\d\d)-(\d+)-cores$/, (match) => `windows_${match[1]}_core`],
];

/** The billing SKU that a runner label means; undefined when GitHub gives it no meaning. */
export function skuOfLabel(label: string): string | undefined {
  const name = label.toLowerCase();
  if (Object.hasOwn(TABLE, name)) return name;
  for (const [pattern, sku] of LABELS) {
    const match = pattern.exec(name);
    if (match !== null) return sku(match);
  }
  return undefined;
}

/** The public price of a SKU on a day (`2026-09-17`, or a time that starts with it). */
export function publicPrice(sku: string, day: string): DatedPrice | undefined {
  const prices = Object.hasOwn(TABLE, sku) ? TABLE[sku] : undefined;
  if (prices === undefined) return undefined;
  const [before, since] = prices;
  if (day >= CHANGED) return { from: CHANGED, price: since };
  return before === undefined ? undefined : { from: '2025-01-01', price: before };
}
