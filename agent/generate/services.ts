/** What the invented company runs. Prices are in millionths of a dollar per unit; made up, of a plausible size. */
export interface Usage {
  readonly product: string;
  readonly service: string;
  readonly category: string;
  readonly subcategory: string;
  readonly usageType: string;
  readonly operation: string;
  readonly unit: string;
  readonly family: string;
  readonly instance?: string;
  readonly description: string;
  /** Millionths of a dollar. */
  readonly price: number;
  readonly resource: string;
}

/** AWS usage families. */
export const AWS_USAGE: readonly Usage[] = [
  ec2('m7g.large', 81_600),
  ec2('m7g.2xlarge', 326_400),
  ec2('c7i.xlarge', 178_500),
  ec2('r7g.xlarge', 214_200),
  ec2('t4g.medium', 33_600),
  ec2('g6.xlarge', 804_800),
  {
    product: 'AmazonEC2',
    service: 'Amazon Elastic Compute Cloud',
    category: 'Storage',
    subcategory: 'Block Storage',
    usageType: 'EBS:VolumeUsage.gp3',
    operation: 'CreateVolume-Gp3',
    unit: 'GB-Mo',
    family: 'Storage',
    description: '$0.08 per GB-month of General Purpose (gp3) provisioned storage',
    price: 80_000,
    resource: 'vol-',
  },
  {
    product: 'AmazonS3',
    service: 'Amazon Simple Storage Service',
    category: 'Storage',
    subcategory: 'Object Storage',
    usageType: 'TimedStorage-ByteHrs',
    operation: 'StandardStorage',
    unit: 'GB-Mo',
    family: 'Storage',
    description: '$0.023 per GB - first 50 TB / month of storage used',
    price: 23_000,
    resource: 'bucket-',
  },
  {
    product: 'AmazonS3',
    service: 'Amazon Simple Storage Service',
    category: 'Storage',
    subcategory: 'Object Storage',
    usageType: 'Requests-Tier1',
    operation: 'PutObject',
    unit: 'Requests',
    family: 'API Request',
    description: '$0.005 per 1,000 PUT, COPY, POST, or LIST requests',
    price: 5,
    resource: 'bucket-',
  },
  {
    product: 'AmazonRDS',
    service: 'Amazon Relational Database Service',
    category: 'Databases',
    subcategory: 'Relational Databases',
    usageType: 'InstanceUsage:db.r6g.large',
    operation: 'CreateDBInstance:0014',
    unit: 'Hrs',
    family: 'Database Instance',
    instance: 'db.r6g.large',
    description: '$0.225 per RDS db.r6g.large Single-AZ instance hour running PostgreSQL',
    price: 225_000,
    resource: 'db-',
  },
  {
    product: 'AmazonDynamoDB',
    service: 'Amazon DynamoDB',
    category: 'Databases',
    subcategory: 'NoSQL Databases',
    usageType: 'ReadRequestUnits',
    operation: 'PayPerRequestThroughput',
    unit: 'ReadRequestUnits',
    family: 'Amazon DynamoDB PayPerRequest Throughput',
    description: '$0.125 per million read request units',
    price: 1,
    resource: 'table-',
  },
  {
    product: 'AWSLambda',
    service: 'AWS Lambda',
    category: 'Compute',
    subcategory: 'Serverless Compute',
    usageType: 'Lambda-GB-Second',
    operation: 'Invoke',
    unit: 'Lambda-GB-Second',
    family: 'Serverless',
    description: 'AWS Lambda - Total Compute',
    price: 17,
    resource: 'function-',
  },
  {
    product: 'AmazonCloudWatch',
    service: 'AmazonCloudWatch',
    category: 'Management and Governance',
    subcategory: 'Observability',
    usageType: 'DataProcessing-Bytes',
    operation: 'PutLogEvents',
    unit: 'GB',
    family: 'Data Payload',
    description: '$0.50 per GB log data ingested',
    price: 500_000,
    resource: 'log-group-',
  },
  {
    product: 'AWSDataTransfer',
    service: 'AWS Data Transfer',
    category: 'Networking',
    subcategory: 'Network Connectivity',
    usageType: 'DataTransfer-Out-Bytes',
    operation: 'RunInstances',
    unit: 'GB',
    family: 'Data Transfer',
    description: '$0.09 per GB - first 10 TB / month data transfer out',
    price: 90_000,
    resource: 'i-',
  },
  {
    product: 'AmazonEKS',
    service: 'Amazon Elastic Kubernetes Service',
    category: 'Compute',
    subcategory: 'Containers',
    usageType: 'AmazonEKS-Hours:perCluster',
    operation: 'CreateOperation',
    unit: 'Hours',
    family: 'Compute',
    description: '$0.10 per Hour Amazon EKS cluster',
    price: 100_000,
    resource: 'cluster-',
  },
  {
    product: 'AmazonBedrock',
    service: 'Amazon Bedrock',
    category: 'AI and Machine Learning',
    subcategory: 'Generative AI',
    usageType: 'InputTokenCount',
    operation: 'InvokeModelInference',
    unit: '1K tokens',
    family: 'Amazon Bedrock',
    description: '$0.003 per 1K input tokens',
    price: 3_000,
    resource: 'model-',
  },
];

function ec2(instance: string, price: number): Usage {
  return {
    product: 'AmazonEC2',
    service: 'Amazon Elastic Compute Cloud',
    category: 'Compute',
    subcategory: 'Virtual Machines',
    usageType: `BoxUsage:${instance}`,
    operation: 'RunInstances',
    unit: 'Hrs',
    family: 'Compute Instance',
    instance,
    description: `$${(price / 1e6).toFixed(4)} per On Demand Linux ${instance} Instance Hour`,
    price,
    resource: 'i-',
  };
}

/** Regions with the prefix that AWS puts before usage types there. */
export const AWS_REGIONS = [
  { id: 'us-east-1', name: 'US East (N. Virginia)', prefix: '' },
  { id: 'us-west-2', name: 'US West (Oregon)', prefix: 'USW2-' },
  { id: 'eu-west-1', name: 'EU (Ireland)', prefix: 'EU-' },
  { id: 'eu-central-1', name: 'EU (Frankfurt)', prefix: 'EUC1-' },
  { id: 'ap-southeast-1', name: 'Asia Pacific (Singapore)', prefix: 'APS1-' },
] as const;

/** Teams of the invented company and what they run. */
export const TEAMS = ['checkout', 'search', 'payments', 'platform', 'data', 'mobile'] as const;
export const ENVIRONMENTS = ['production', 'staging', 'development'] as const;

/** Azure and Google usage, for their own formats. */
export interface PlainUsage {
  readonly service: string;
  readonly category: string;
  readonly subcategory: string;
  readonly sku: string;
  readonly skuId: string;
  readonly unit: string;
  readonly resourceType: string;
  /** Millionths of a currency unit. */
  readonly price: number;
}

export const AZURE_USAGE: readonly PlainUsage[] = [
  {
    service: 'Virtual Machines',
    category: 'Compute',
    subcategory: 'Virtual Machines',
    sku: 'D4s v5',
    skuId: 'DZH318Z08MCP0001',
    unit: 'Hours',
    resourceType: 'Virtual machine',
    price: 192_000,
  },
  {
    service: 'Storage Accounts',
    category: 'Storage',
    subcategory: 'Object Storage',
    sku: 'Hot LRS Data Stored',
    skuId: 'DZH318Z0BNXK0002',
    unit: 'GB',
    resourceType: 'Storage account',
    price: 18_400,
  },
  {
    service: 'SQL Database',
    category: 'Databases',
    subcategory: 'Relational Databases',
    sku: 'vCore',
    skuId: 'DZH318Z0BQ4B0003',
    unit: 'Hours',
    resourceType: 'SQL database',
    price: 252_000,
  },
  {
    service: 'Azure Kubernetes Service',
    category: 'Compute',
    subcategory: 'Containers',
    sku: 'Standard Uptime SLA',
    skuId: 'DZH318Z0BP090004',
    unit: 'Hours',
    resourceType: 'Kubernetes service',
    price: 100_000,
  },
  {
    service: 'Azure Monitor',
    category: 'Management and Governance',
    subcategory: 'Observability',
    sku: 'Analytics Logs Data Ingestion',
    skuId: 'DZH318Z0BNWD0005',
    unit: 'GB',
    resourceType: 'Log Analytics workspace',
    price: 2_300_000,
  },
  {
    service: 'Bandwidth',
    category: 'Networking',
    subcategory: 'Content Delivery',
    sku: 'Standard Data Transfer Out',
    skuId: 'DZH318Z0BPJF0006',
    unit: 'GB',
    resourceType: 'Public IP address',
    price: 87_000,
  },
];

export const GCP_USAGE: readonly PlainUsage[] = [
  {
    service: 'Compute Engine',
    category: 'Compute',
    subcategory: 'Virtual Machines',
    sku: 'N2 Instance Core running in Americas',
    skuId: 'BB77-5FDA-69D9',
    unit: 'hour',
    resourceType: 'compute.googleapis.com/instances',
    price: 31_611,
  },
  {
    service: 'Cloud Storage',
    category: 'Storage',
    subcategory: 'Object Storage',
    sku: 'Standard Storage US Multi-region',
    skuId: '0D5D-6E23-4250',
    unit: 'gibibyte month',
    resourceType: 'storage.googleapis.com/buckets',
    price: 26_000,
  },
  {
    service: 'BigQuery',
    category: 'Analytics',
    subcategory: 'Data Processing',
    sku: 'Analysis',
    skuId: '3362-E469-6BEF',
    unit: 'tebibyte',
    resourceType: 'bigquery.googleapis.com/datasets',
    price: 6_250_000,
  },
  {
    service: 'Cloud SQL',
    category: 'Databases',
    subcategory: 'Relational Databases',
    sku: 'Cloud SQL for PostgreSQL: Zonal - vCPU in Americas',
    skuId: 'BD22-1D44-CCB4',
    unit: 'hour',
    resourceType: 'sqladmin.googleapis.com/instances',
    price: 41_300,
  },
  {
    service: 'Kubernetes Engine',
    category: 'Compute',
    subcategory: 'Containers',
    sku: 'Zonal Kubernetes Clusters',
    skuId: '6B92-A835-08AB',
    unit: 'hour',
    resourceType: 'container.googleapis.com/clusters',
    price: 100_000,
  },
];
