/** Values of `cloud.provider` in the semantic conventions, and how bills name those providers. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  akamai_cloud: ['akamai', 'akamai cloud', 'linode'],
  alibaba_cloud: ['alibaba', 'alibaba cloud', 'aliyun'],
  aws: ['aws', 'amazon', 'amazon web services', 'amazon web services, inc.'],
  azure: ['azure', 'microsoft', 'microsoft azure', 'microsoft corporation'],
  gcp: ['gcp', 'google', 'google cloud', 'google cloud platform'],
  heroku: ['heroku'],
  hetzner: ['hetzner', 'hetzner cloud'],
  ibm_cloud: ['ibm', 'ibm cloud'],
  oracle_cloud: ['oci', 'oracle', 'oracle cloud', 'oracle cloud infrastructure'],
  scaleway_cloud: ['scaleway'],
  tencent_cloud: ['tencent', 'tencent cloud'],
  vultr: ['vultr'],
};

const BY_NAME = new Map(
  Object.entries(NAMES).flatMap(([value, names]) => names.map((name) => [name, value] as const)),
);

/** Prefixes of the providers' legal entities: `Amazon Web Services EMEA SARL`, `Google Cloud EMEA Limited`, … */
const BY_PREFIX = [
  ['amazon web services', 'aws'],
  ['google cloud', 'gcp'],
] as const;

/** The value of `cloud.provider` for a provider's name in a bill; undefined when the conventions do not know it. */
export function cloudProvider(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const plain = name.trim().toLowerCase();
  return BY_NAME.get(plain) ?? BY_PREFIX.find(([prefix]) => plain.startsWith(`${prefix} `))?.[1];
}
