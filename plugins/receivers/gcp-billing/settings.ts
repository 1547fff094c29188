import type { ConfigOf, Schema } from '../../../pipelines/plugin/index.ts';
import { receivingSettings } from '../../kit/objects/settings.ts';

/** The settings of the receiver. */
export const settings = {
  table: {
    doc: 'Table of the export in BigQuery, as `project.dataset.table`. This or `bucket`.',
    format: 'text',
    default: null,
  },
  bucket: {
    doc: 'Bucket of Cloud Storage with exported files in run folders. This or `table`.',
    format: 'text',
    default: null,
  },
  prefix: {
    doc: 'What the names of the objects in `bucket` begin with.',
    format: 'text',
    default: null,
  },
  marker: {
    doc: 'Name of the object that says that the run in its folder is whole.',
    format: 'text',
    default: '_SUCCESS',
  },
  project: {
    doc: 'Project that pays for the queries; the one of the table unless it is named.',
    format: 'text',
    default: null,
  },
  location: {
    doc: 'Where the dataset lies, such as `EU` or `europe-west4`; BigQuery finds it out unless it is named.',
    format: 'text',
    default: null,
  },
  look_back: {
    doc: 'Months before the current one that the first look reads. Later, every month that gets new rows is read again.',
    format: 'int',
    default: 2,
    max: 120,
  },
  ...receivingSettings,
  interval: { ...receivingSettings.interval, default: '1h' },
  maximum_bytes_billed: {
    doc: 'Most that one query may read; it is not run when it would read more.',
    format: 'bytes',
    default: '20GiB',
    min: '10MiB',
  },
  credentials_file: {
    doc: 'Service account key or workload identity configuration; the Application Default Credentials of the machine unless it is named.',
    format: 'path',
    default: null,
  },
  anonymous: {
    doc: 'Asks without credentials, for an emulator.',
    format: 'flag',
    default: false,
  },
  endpoint: {
    doc: 'Base URL of the BigQuery API.',
    format: 'url',
    default: 'https://bigquery.googleapis.com/bigquery/v2',
  },
  storage_endpoint: {
    doc: 'Base URL of the Cloud Storage API.',
    format: 'url',
    default: 'https://storage.googleapis.com',
  },
} as const satisfies Schema;

export type Settings = ConfigOf<typeof settings>;
