import { defineMapping } from '../mapping.ts';
import azureCost from './azure-cost.ts';

const { dataset: _, ...settings } = azureCost.settings ?? {};

/** The half of a bill that only its actual-cost export has; the other half is its amortized one. Never found by the columns: they are the same. */
export default defineMapping({
  ...azureCost,
  name: 'azure-cost-fees',
  summary: 'Fees of reservations and savings plans alone, from Azure exports of actual cost.',
  settings,
  fits: () => 0,
  build: (input) =>
    azureCost.build({ ...input, settings: { ...input.settings, dataset: 'actual' } }),
});
