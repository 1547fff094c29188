/**
 * The columns of the FOCUS Cost and Usage dataset: the union of versions 1.2, 1.3 and 1.4.
 * Source: FOCUS specification (Joint Development Foundation Projects, LLC, FOCUS Series, CC BY 4.0),
 * versions 1.0-1.4, column pages and dataset tables.
 */

/** Versions of the specification that are read. */
export type FocusVersion = '1.0' | '1.1' | '1.2' | '1.3' | '1.4';

/** Versions of the specification that are written. */
export type OutputVersion = '1.2' | '1.3' | '1.4';

/** What a column holds: text, an exact decimal, a UTC date/time, or a JSON object as text. */
export type ColumnKind = 'text' | 'amount' | 'time' | 'json';

/** What the specification says about one column. */
export interface ColumnFact {
  readonly kind: ColumnKind;
  readonly level: 'mandatory' | 'conditional' | 'recommended';
  readonly nullable: boolean;
  /** First version that has the column. */
  readonly since: FocusVersion;
  /** Last version that has the column; absent: still there. */
  readonly until?: FocusVersion;
}

/** Every column of the internal record, in alphabetical order. */
export const COLUMNS = {
  AllocatedMethodDetails: { kind: 'json', level: 'recommended', nullable: true, since: '1.3' },
  AllocatedMethodId: { kind: 'text', level: 'conditional', nullable: true, since: '1.3' },
  AllocatedResourceId: { kind: 'text', level: 'conditional', nullable: true, since: '1.3' },
  AllocatedResourceName: { kind: 'text', level: 'conditional', nullable: true, since: '1.3' },
  AllocatedTags: { kind: 'json', level: 'conditional', nullable: true, since: '1.3' },
  AvailabilityZone: { kind: 'text', level: 'recommended', nullable: true, since: '1.0' },
  BilledCost: { kind: 'amount', level: 'mandatory', nullable: false, since: '1.0' },
  BillingAccountId: { kind: 'text', level: 'mandatory', nullable: false, since: '1.0' },
  BillingAccountName: { kind: 'text', level: 'mandatory', nullable: true, since: '1.0' },
  BillingAccountType: { kind: 'text', level: 'conditional', nullable: false, since: '1.2' },
  BillingCurrency: { kind: 'text', level: 'mandatory', nullable: false, since: '1.0' },
  BillingPeriodEnd: { kind: 'time', level: 'mandatory', nullable: false, since: '1.0' },
  BillingPeriodStart: { kind: 'time', level: 'mandatory', nullable: false, since: '1.0' },
  CapacityReservationId: { kind: 'text', level: 'conditional', nullable: true, since: '1.1' },
  CapacityReservationStatus: { kind: 'text', level: 'conditional', nullable: true, since: '1.1' },
  ChargeCategory: { kind: 'text', level: 'mandatory', nullable: false, since: '1.0' },
  ChargeClass: { kind: 'text', level: 'mandatory', nullable: true, since: '1.0' },
  ChargeDescription: { kind: 'text', level: 'mandatory', nullable: true, since: '1.0' },
  ChargeFrequency: { kind: 'text', level: 'recommended', nullable: false, since: '1.0' },
  ChargePeriodEnd: { kind: 'time', level: 'mandatory', nullable: false, since: '1.0' },
  ChargePeriodStart: { kind: 'time', level: 'mandatory', nullable: false, since: '1.0' },
  CommitmentDiscountCategory: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  CommitmentDiscountId: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  CommitmentDiscountName: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  CommitmentDiscountQuantity: {
    kind: 'amount',
    level: 'conditional',
    nullable: true,
    since: '1.1',
  },
  CommitmentDiscountStatus: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  CommitmentDiscountType: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  CommitmentDiscountUnit: { kind: 'text', level: 'conditional', nullable: true, since: '1.1' },
  CommitmentProgramEligibilityDetails: {
    kind: 'json',
    level: 'conditional',
    nullable: true,
    since: '1.4',
  },
  ConsumedQuantity: { kind: 'amount', level: 'conditional', nullable: true, since: '1.0' },
  ConsumedUnit: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  ContractApplied: { kind: 'json', level: 'conditional', nullable: true, since: '1.3' },
  ContractedCost: { kind: 'amount', level: 'mandatory', nullable: false, since: '1.0' },
  ContractedUnitPrice: { kind: 'amount', level: 'conditional', nullable: true, since: '1.0' },
  EffectiveCost: { kind: 'amount', level: 'mandatory', nullable: false, since: '1.0' },
  HostProviderName: { kind: 'text', level: 'mandatory', nullable: true, since: '1.3' },
  InvoiceDetailId: { kind: 'text', level: 'conditional', nullable: true, since: '1.4' },
  InvoiceId: { kind: 'text', level: 'recommended', nullable: true, since: '1.2' },
  InvoiceIssuerName: { kind: 'text', level: 'mandatory', nullable: false, since: '1.0' },
  ListCost: { kind: 'amount', level: 'mandatory', nullable: false, since: '1.0' },
  ListUnitPrice: { kind: 'amount', level: 'conditional', nullable: true, since: '1.0' },
  PricingCategory: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  PricingCurrency: { kind: 'text', level: 'conditional', nullable: true, since: '1.2' },
  PricingCurrencyContractedUnitPrice: {
    kind: 'amount',
    level: 'conditional',
    nullable: true,
    since: '1.2',
  },
  PricingCurrencyEffectiveCost: {
    kind: 'amount',
    level: 'conditional',
    nullable: true,
    since: '1.2',
  },
  PricingCurrencyListUnitPrice: {
    kind: 'amount',
    level: 'conditional',
    nullable: true,
    since: '1.2',
  },
  PricingQuantity: { kind: 'amount', level: 'mandatory', nullable: true, since: '1.0' },
  PricingUnit: { kind: 'text', level: 'mandatory', nullable: true, since: '1.0' },
  ProviderName: { kind: 'text', level: 'mandatory', nullable: false, since: '1.0', until: '1.3' },
  PublisherName: { kind: 'text', level: 'mandatory', nullable: false, since: '1.0', until: '1.3' },
  RegionId: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  RegionName: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  ResourceId: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  ResourceName: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  ResourceType: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  ServiceCategory: { kind: 'text', level: 'mandatory', nullable: false, since: '1.0' },
  ServiceName: { kind: 'text', level: 'mandatory', nullable: false, since: '1.0' },
  ServiceProviderName: { kind: 'text', level: 'mandatory', nullable: false, since: '1.3' },
  ServiceSubcategory: { kind: 'text', level: 'recommended', nullable: false, since: '1.1' },
  SkuId: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  SkuMeter: { kind: 'text', level: 'conditional', nullable: true, since: '1.1' },
  SkuPriceDetails: { kind: 'json', level: 'conditional', nullable: true, since: '1.1' },
  SkuPriceId: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  SubAccountId: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  SubAccountName: { kind: 'text', level: 'conditional', nullable: true, since: '1.0' },
  SubAccountType: { kind: 'text', level: 'conditional', nullable: true, since: '1.2' },
  Tags: { kind: 'json', level: 'conditional', nullable: true, since: '1.0' },
} as const satisfies Readonly<Record<string, ColumnFact>>;

/** Name of a FOCUS column. */
export type FocusColumn = keyof typeof COLUMNS;

/** Name of any column of a charge: FOCUS's own, or a custom one with the `x_` prefix. */
export type ChargeColumn = FocusColumn | `x_${string}`;

/** The cost metrics that add up over charges; money is conserved in each of them. */
export const COST_COLUMNS = ['BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost'] as const;

/** One of the cost metrics. */
export type CostColumn = (typeof COST_COLUMNS)[number];

/** Closed value lists of the specification; ServiceSubcategory stands in SERVICE_SUBCATEGORIES. */
export const ALLOWED_VALUES = {
  CapacityReservationStatus: ['Used', 'Unused'],
  ChargeCategory: ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment'],
  ChargeClass: ['Correction'],
  ChargeFrequency: ['One-Time', 'Recurring', 'Usage-Based'],
  CommitmentDiscountCategory: ['Spend', 'Usage'],
  CommitmentDiscountStatus: ['Used', 'Unused'],
  PricingCategory: ['Standard', 'Dynamic', 'Committed', 'Other'],
  ServiceCategory: [
    'AI and Machine Learning',
    'Analytics',
    'Business Applications',
    'Compute',
    'Databases',
    'Developer Tools',
    'Multicloud',
    'Identity',
    'Integration',
    'Internet of Things',
    'Management and Governance',
    'Media',
    'Migration',
    'Mobile',
    'Networking',
    'Security',
    'Storage',
    'Web',
    'Other',
  ],
} as const satisfies Partial<Readonly<Record<FocusColumn, readonly string[]>>>;

/** Service subcategories by service category (FOCUS 1.1+). */
export const SERVICE_SUBCATEGORIES: Readonly<Record<string, readonly string[]>> = {
  'AI and Machine Learning': [
    'AI Platforms',
    'Bots',
    'Generative AI',
    'Machine Learning',
    'Natural Language Processing',
    'Other (AI and Machine Learning)',
  ],
  Analytics: [
    'Analytics Platforms',
    'Business Intelligence',
    'Data Processing',
    'Search',
    'Streaming Analytics',
    'Other (Analytics)',
  ],
  'Business Applications': ['Productivity and Collaboration', 'Other (Business Applications)'],
  Compute: [
    'Containers',
    'End User Computing',
    'Quantum Compute',
    'Serverless Compute',
    'Virtual Machines',
    'Other (Compute)',
  ],
  Databases: [
    'Caching',
    'Data Warehouses',
    'Ledger Databases',
    'NoSQL Databases',
    'Relational Databases',
    'Time Series Databases',
    'Other (Databases)',
  ],
  'Developer Tools': [
    'Developer Platforms',
    'Continuous Integration and Deployment',
    'Development Environments',
    'Source Code Management',
    'Quality Assurance',
    'Other (Developer Tools)',
  ],
  Identity: ['Identity and Access Management', 'Other (Identity)'],
  Integration: ['API Management', 'Messaging', 'Workflow Orchestration', 'Other (Integration)'],
  'Internet of Things': ['IoT Analytics', 'IoT Platforms', 'Other (Internet of Things)'],
  'Management and Governance': [
    'Architecture',
    'Compliance',
    'Cost Management',
    'Data Governance',
    'Disaster Recovery',
    'Endpoint Management',
    'Observability',
    'Support',
    'Other (Management and Governance)',
  ],
  Media: ['Content Creation', 'Gaming', 'Media Streaming', 'Mixed Reality', 'Other (Media)'],
  Migration: ['Data Migration', 'Resource Migration', 'Other (Migration)'],
  Mobile: ['Other (Mobile)'],
  Multicloud: ['Multicloud Integration', 'Other (Multicloud)'],
  Networking: [
    'Application Networking',
    'Content Delivery',
    'Network Connectivity',
    'Network Infrastructure',
    'Network Routing',
    'Network Security',
    'Other (Networking)',
  ],
  Security: [
    'Secret Management',
    'Security Posture Management',
    'Threat Detection and Response',
    'Other (Security)',
  ],
  Storage: [
    'Backup Storage',
    'Block Storage',
    'File Storage',
    'Object Storage',
    'Storage Platforms',
    'Other (Storage)',
  ],
  Web: ['Application Platforms', 'Other (Web)'],
  Other: ['Other (Other)'],
};

const NAMES = Object.keys(COLUMNS) as readonly FocusColumn[];
const FACTS: Readonly<Record<string, ColumnFact>> = COLUMNS;

/** The fact sheet of a column; custom `x_` columns are nullable text. */
export function columnFact(name: string): ColumnFact | undefined {
  return Object.hasOwn(FACTS, name) ? FACTS[name] : undefined;
}

/** Columns of one version of the specification, in alphabetical order. */
export function columnsOf(version: FocusVersion): readonly FocusColumn[] {
  return NAMES.filter((name) => {
    const fact: ColumnFact = COLUMNS[name];
    return fact.since <= version && (fact.until === undefined || version <= fact.until);
  });
}

/** Attribute and metric name of a column: `BilledCost` is `focus.billed_cost`, `x_CostSource` is `focus.x_cost_source`. */
export function attributeName(column: string): string {
  const custom = column.startsWith('x_');
  const snake = (custom ? column.slice(2) : column)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9_.]+/g, '_')
    .toLowerCase();
  return `focus.${custom ? 'x_' : ''}${snake}`;
}
