import type { ConfigOf, Schema } from '../../../pipelines/plugin/index.ts';

/** The settings of `focus-http`. */
export const settings = {
  url: {
    doc: 'URL of the charges. `{start}` and `{end}` stand for the period that is asked for (2026-09-01T00:00:00Z, the end not included), `{start_date}`, `{end_date}` and `{last_date}` for its days, `{month}` for 2026-09.',
    format: 'url',
  },
  period: {
    doc: 'What one answer speaks for, and replaces: a month, a day, or all there is.',
    format: 'choice',
    values: ['month', 'day', 'all'],
    default: 'month',
  },
  look_back: {
    doc: 'Periods before the present one that are asked for again at each look.',
    format: 'int',
    default: 2,
    max: 400,
  },
  interval: {
    doc: 'Pause between two looks; up to a tenth more or less by chance.',
    format: 'duration',
    default: '6h',
    min: '1m',
  },
  mapping: {
    doc: 'Mapping of the charges, or `auto`: found by their columns.',
    format: 'text',
    default: 'auto',
  },
  items: {
    doc: 'Field of a JSON answer that has the list of charges, with dots for fields of fields (`data.charges`). Left out: the answer is CSV, NDJSON, Parquet or a JSON list, also packed with gzip; found by its content.',
    format: 'text',
    default: null,
  },
  paging: {
    kind: {
      doc: 'How an answer names the next one: not at all, by a header `Link` with rel="next", by a cursor, or by counting pages until one is empty.',
      format: 'choice',
      values: ['none', 'link', 'cursor', 'page'],
      default: 'none',
    },
    field: {
      doc: 'Field of the JSON answer with the cursor: a text for `parameter`, or a URL. Needs `items`.',
      format: 'text',
      default: null,
    },
    header: {
      doc: 'Header of the answer with the cursor, instead of `field`.',
      format: 'text',
      default: null,
    },
    parameter: {
      doc: 'Parameter of the URL that takes the cursor or the number of the page. Left out: the cursor is a URL.',
      format: 'text',
      default: null,
    },
    first: { doc: 'Number of the first page.', format: 'int', default: 1 },
  },
  token: { doc: 'Token, sent as `Authorization: Bearer`.', format: 'secret', default: null },
  token_file: {
    doc: 'File of that token, read anew for each request.',
    format: 'path',
    default: null,
  },
  username: { doc: 'Name, sent as `Authorization: Basic`.', format: 'text', default: null },
  password: { doc: 'Password of that name.', format: 'secret', default: null },
  headers: {
    doc: 'Further headers, such as an API key; like the token they are sent to the host of `url` only.',
    format: 'secrets',
    default: {},
  },
  accept: {
    doc: 'Header `Accept`, where an API tells versions or formats by it.',
    format: 'text',
    default: null,
  },
  max_bill: {
    doc: 'Largest bill of a period, unpacked; as much disk is needed below storage.folder while it is read.',
    format: 'bytes',
    default: '5GiB',
  },
  tls: {
    ca: {
      doc: 'PEM file of the authority of the server, in place of the well-known ones.',
      format: 'path',
      default: null,
    },
    cert: { doc: 'PEM file of the client certificate.', format: 'path', default: null },
    key: { doc: 'PEM file of its key.', format: 'path', default: null },
  },
} as const satisfies Schema;

export type Settings = ConfigOf<typeof settings>;
