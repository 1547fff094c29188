/** What an operator sets. */
export const SETTINGS = {
  built_in: {
    doc: 'Take in the public prices of CI minutes and serverless that ship with focusd.',
    format: 'flag',
    default: true,
  },
  files: {
    doc: 'Price files, folders of them or globs: your own CSV, or what AWS, Azure and Google publish. Files of one entry are one list.',
    format: 'paths',
    default: [],
  },
  aws: {
    services: {
      doc: 'Offer codes whose price list files are read from AWS, for example AmazonEC2 or AWSLambda.',
      format: 'list',
      default: [],
    },
    regions: {
      doc: 'Their regions; needed with services. Of files, only rows of these regions are taken; all, when empty.',
      format: 'list',
      default: [],
    },
    endpoint: {
      doc: 'Where AWS publishes them.',
      format: 'url',
      default: 'https://pricing.us-east-1.amazonaws.com',
    },
  },
  azure: {
    services: {
      doc: 'Names of services whose retail prices are read from Azure, for example Functions or Virtual Machines.',
      format: 'list',
      default: [],
    },
    regions: {
      doc: 'Their regions (armRegionName); all, when empty. Of files likewise.',
      format: 'list',
      default: [],
    },
    currency: { doc: 'Currency of the prices, ISO 4217.', format: 'text', default: 'USD' },
    endpoint: {
      doc: 'The Retail Prices API.',
      format: 'url',
      default: 'https://prices.azure.com/api/retail/prices',
    },
  },
  google: {
    services: {
      doc: 'Ids of services whose SKUs are read from the Cloud Billing Catalog API, for example 152E-C115-5142 (Cloud Run).',
      format: 'list',
      default: [],
    },
    regions: {
      doc: 'Only prices of these regions, and global ones; all, when empty. Of files likewise.',
      format: 'list',
      default: [],
    },
    currency: { doc: 'Currency of the prices, ISO 4217.', format: 'text', default: 'USD' },
    api_key: {
      doc: 'API key for the Cloud Billing Catalog API; needed with services.',
      format: 'secret',
      default: null,
    },
    endpoint: {
      doc: 'The Cloud Billing API.',
      format: 'url',
      default: 'https://cloudbilling.googleapis.com',
    },
  },
  refresh: {
    doc: 'Pause between two readings of the lists, give or take a tenth.',
    format: 'duration',
    default: '12h',
    min: '1m',
  },
  max_loss: {
    doc: 'A list that lacks more than this share of its prices, in percent, is refused as cut off; 100 takes any.',
    format: 'int',
    default: 50,
    max: 100,
  },
  charged_within: {
    doc: 'SKUs that bills charged in this time count in focusd.catalog.skus; older ones are forgotten.',
    format: 'duration',
    default: '40d',
    min: '1h',
  },
} as const;
