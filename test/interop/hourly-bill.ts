const HOUR = 3_600_000;
const COLUMNS =
  'BilledCost,EffectiveCost,ListCost,ContractedCost,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,BillingAccountId,ProviderName,ServiceCategory,ServiceName,ResourceId';

/** What resources cost in an hour, as FOCUS in CSV. */
export function hourlyBill(
  startMs: number,
  charges: readonly (readonly [cost: string, service: string, resourceId: string])[],
): string {
  const iso = (ms: number): string => new Date(ms).toISOString().replace('.000', '');
  const month = `${iso(startMs).slice(0, 7)}-01T00:00:00Z`;
  const next = new Date(month);
  next.setUTCMonth(next.getUTCMonth() + 1);
  const period = `${month},${iso(next.getTime())},${iso(startMs)},${iso(startMs + HOUR)}`;
  const rows = charges.map(
    ([cost, service, resource]) =>
      `${cost},${cost},${cost},${cost},USD,${period},Usage,acc,AWS,Compute,${service},${resource}`,
  );
  return `${[COLUMNS, ...rows].join('\n')}\n`;
}
