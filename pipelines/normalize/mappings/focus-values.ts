/** Values as providers write them, put into the words of the specification. Pure functions of one or two texts. */
import { ALLOWED_VALUES, SERVICE_SUBCATEGORIES } from '../../focus/columns.ts';

/** Columns with a closed list of values. */
export type ListedColumn = keyof typeof ALLOWED_VALUES;

/** Other words for a listed value, by column; keys are as `wordKey` makes them. */
const SYNONYMS: Readonly<Partial<Record<ListedColumn, Readonly<Record<string, string>>>>> = {
  CommitmentDiscountStatus: { usedcommitment: 'Used', unusedcommitment: 'Unused' },
  PricingCategory: {
    ondemand: 'Standard',
    spot: 'Dynamic',
    commitmentbased: 'Committed',
    commitmentdiscount: 'Committed',
    reservation: 'Committed',
    savingsplan: 'Committed',
  },
  ServiceCategory: {
    aimachinelearning: 'AI and Machine Learning',
    database: 'Databases',
    iot: 'Internet of Things',
    managementgovernance: 'Management and Governance',
    network: 'Networking',
  },
};

const LISTS = new Map(
  Object.entries(ALLOWED_VALUES).map(([column, values]) => [
    column,
    new Map([
      ...values.map((value) => [wordKey(value), value] as const),
      ...Object.entries(SYNONYMS[column as ListedColumn] ?? {}),
    ]),
  ]),
);

/** The listed value that is meant, whatever its case, blanks and dashes; undefined when none is. */
export function listedValue(column: ListedColumn, value: string): string | undefined {
  return LISTS.get(column)?.get(wordKey(value));
}

/** The service category a subcategory belongs to. */
export function categoryOf(subcategory: string): string | undefined {
  return CATEGORY_BY_SUBCATEGORY.get(wordKey(subcategory))?.category;
}

/** The subcategory as listed under the category; undefined when it is not. */
export function listedSubcategory(category: string, subcategory: string): string | undefined {
  const found = CATEGORY_BY_SUBCATEGORY.get(wordKey(subcategory));
  return found?.category === category ? found.subcategory : undefined;
}

const CATEGORY_BY_SUBCATEGORY = new Map(
  Object.entries(SERVICE_SUBCATEGORIES).flatMap(([category, subcategories]) =>
    subcategories.map((subcategory) => [wordKey(subcategory), { category, subcategory }] as const),
  ),
);

function wordKey(value: string): string {
  return value.toLowerCase().replace(/[^a-z0-9]+/g, '');
}

/** What a provider's name stands for; undefined for others. */
export type ProviderFamily = 'aws' | 'azure' | 'google' | 'oracle';

/** The family of a provider's name. */
export function providerFamily(name: string): ProviderFamily | undefined {
  const key = wordKey(name);
  if (key.startsWith('aws') || key.startsWith('amazon')) return 'aws';
  if (key.startsWith('microsoft') || key.startsWith('azure')) return 'azure';
  if (key.startsWith('google') || key === 'gcp') return 'google';
  if (key.startsWith('oracle') || key === 'oci') return 'oracle';
  return undefined;
}

/** Names of account kinds by provider family, for versions that do not state them. */
export const ACCOUNT_TYPES = {
  billing: {
    aws: 'Billing Account',
    azure: 'Billing Profile',
    google: 'Billing Account',
    oracle: 'Tenancy',
  },
  sub: { aws: 'Account', azure: 'Subscription', google: 'Project', oracle: 'Tenancy' },
} as const satisfies Record<string, Readonly<Record<ProviderFamily, string>>>;
