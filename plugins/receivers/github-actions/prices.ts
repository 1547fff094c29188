import { type ListPrice, listPrice, listPrices } from '../../kit/prices/index.ts';

const PROVIDER = 'GitHub';

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
  if (listPrices(PROVIDER, name).length > 0) return name;
  for (const [pattern, sku] of LABELS) {
    const match = pattern.exec(name);
    if (match !== null) return sku(match);
  }
  return undefined;
}

/** The public price of a minute by a SKU on a day (`2026-09-17`, or a time that starts with it), US dollars. */
export function publicPrice(sku: string, day: string): ListPrice | undefined {
  return listPrice(PROVIDER, { sku, at: day });
}
