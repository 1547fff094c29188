/** Names of Google Cloud's regions and multi-regions, from its public list of locations. */

/** The name of a location id (`us-central1` is Iowa); the id itself when it is not known. */
export function gcpRegionName(id: string): string {
  return NAMES.get(id.toLowerCase()) ?? id;
}

/** Whether a text is the name of a place as SKU descriptions end with (`… running in Americas`). */
export function isGcpPlace(text: string): boolean {
  return PLACES.has(text.trim().toLowerCase());
}

const NAMES: ReadonlyMap<string, string> = new Map(
  `
africa-south1|Johannesburg
asia-east1|Taiwan
asia-east2|Hong Kong
asia-northeast1|Tokyo
asia-northeast2|Osaka
asia-northeast3|Seoul
asia-south1|Mumbai
asia-south2|Delhi
asia-southeast1|Singapore
asia-southeast2|Jakarta
asia-southeast3|Bangkok
australia-southeast1|Sydney
australia-southeast2|Melbourne
europe-central2|Warsaw
europe-north1|Finland
europe-north2|Stockholm
europe-southwest1|Madrid
europe-west1|Belgium
europe-west2|London
europe-west3|Frankfurt
europe-west4|Netherlands
europe-west6|Zurich
europe-west8|Milan
europe-west9|Paris
europe-west10|Berlin
europe-west12|Turin
me-central1|Doha
me-central2|Dammam
me-west1|Tel Aviv
northamerica-northeast1|Montreal
northamerica-northeast2|Toronto
northamerica-south1|Mexico
southamerica-east1|Sao Paulo
southamerica-west1|Santiago
us-central1|Iowa
us-central2|Oklahoma
us-east1|South Carolina
us-east4|Northern Virginia
us-east5|Columbus
us-east7|Alabama
us-south1|Dallas
us-west1|Oregon
us-west2|Los Angeles
us-west3|Salt Lake City
us-west4|Las Vegas
us-west8|Phoenix
us|United States
eu|European Union
europe|Europe
asia|Asia
global|Global
asia1|Tokyo and Osaka
eur4|Netherlands and Finland
eur5|Belgium and London
eur7|London and Frankfurt
eur8|Frankfurt and Zurich
nam4|Iowa and South Carolina
`
    .trim()
    .split('\n')
    .map((line) => line.split('|') as [string, string]),
);

const PLACES: ReadonlySet<string> = new Set(
  [
    ...NAMES.values(),
    'Americas',
    'EMEA',
    'APAC',
    'Africa',
    'Australia',
    'Brazil',
    'Canada',
    'Chile',
    'China',
    'Dammam',
    'Germany',
    'India',
    'Indonesia',
    'Israel',
    'Italy',
    'Japan',
    'Korea',
    'Latin America',
    'Middle East',
    'North America',
    'Poland',
    'Qatar',
    'Saudi Arabia',
    'South America',
    'South Korea',
    'Spain',
    'Sweden',
    'Switzerland',
    'UK',
    'US',
    'Virginia',
  ].map((place) => place.toLowerCase()),
);
