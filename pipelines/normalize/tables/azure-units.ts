/**
 * Azure's units of measure: `10000 GB` is a block of 10,000 of the unit GB.
 * Facts: `PricingUnits.csv` of the FinOps toolkit's open data (github microsoft/finops-toolkit, MIT, Copyright (c) Microsoft Corporation),
 * reduced to the words behind the number.
 */

/** A unit of measure taken apart. */
export interface AzureUnit {
  /** How many units one block holds: an integer. */
  readonly block: string;
  readonly unit: string;
}

/** Takes a unit of measure apart: `10K` is 10,000 Units, `1/Month` is 1 Units/Month. Words that are not known stay as they are. */
export function azureUnit(unitOfMeasure: string): AzureUnit {
  const text = unitOfMeasure.replace(/\u00a0/g, ' ').trim();
  const [, digits = '1', suffix = '', words = ''] = SHAPE.exec(text) ?? [];
  const key = words.toLowerCase();
  const block =
    key === 's' ? '1' : digits.replace(/^0+(?=\d)/, '') + (ZEROS[suffix.toLowerCase()] ?? '');
  return { block: block === '0' ? '1' : block, unit: UNITS.get(key) ?? words };
}

const SHAPE = /^(?:(\d+)([kmb](?![a-z]))?)?\s*(.*)$/i;
const ZEROS: Readonly<Record<string, string>> = { k: '000', m: '000000', b: '000000000' };

/** A line a unit: its name, and the words that mean it. */
const LINES = `
Units|;database unit;database units (du);messaging unit;unit;units;operation units;unassigned
Units/Day|/day;daily reserved unit;daily reserved units;daily unit;daily units
Units/Hour|/hour;hourly unit;hourly units;/小时
Units/Minute|/minute
Units/Month|/month
Units/Year|/year
Hours|1 hour;content hours;hour;hours;hora;小时;instance hours;core hours;core hrs;relay hours;relay hrs
Requests|api calls;requests;per request;per privacy subject rights request;print job
Agents|agents
Domains/Year|annual domain;annual domains
Subscriptions/Year|annual subscriptions
Routers|border routers
Certificates|certificate
Configurations|concurrent dvc
Connections|connection;connections
Count|count
Cubic Meters/Month|cubic meter/month
Apps/Day|daily app
Connections/Day|daily connection;daily connections
Packs/Day|daily pack
Users/Day|daily user
Days|day;days
Devices|device;devices
Executions|executions
GB|gb
GB Hours|gb hour;gb hours
GB Seconds|gb second;gb seconds
GB/Day|gb/day
GB/Hour|gb/hour;gb/hora
GB/Month|gb/month;gb/月;gb/mes;gb / month
GiB|gib
GiB Hours|gib hour
GiB Minutes|gib minute
GiB Seconds|gib second
GiB/Day|gib/day
GiB/Hour|gib/hour
GiB/Month|gib/month
Connections/Hour|hourly connection
IOPS/Month|iops/month
Keys|key;key use;keys
MB|mb
MB/Day|mb/day
MB/Month|mb/month
Maps|maps
Million|million
Minutes|minute;minutes;virtual user minutes;callingminutes;minute(s)
Months|month;por mes;months
Users|named users;user;users
Nodes|node;nodes
PB Seconds|pb second;pb seconds
PB/Hour|pb/hour
PiB/Hour|pib/hour
Pipelines|pipeline;pipelines
Plans|plan;plans
Policies|policies
Resources|resource
Rotation|rotation
Seconds|second;seconds
Sites|sites
Subscriptions|subscription;subscriptions
TB|tb
TB Hours|tb hour;tb hours
TB Seconds|tb second
TB/Day|tb/day
TB/Hour|tb/hour
TB/Month|tb/month
TiB|tib
TiB Hours|tib hour;tib hours
TiB/Hour|tib/hour
TiB/Month|tib/month
Virtual Machines|vm;virtual machine
Websites|website
Zones|zones;hosted zones
Units/10 Days|/10 days
Units/3 Months|/3 months
Units/6 Months|/6 months
Units/Second|/second
Activities|activities
DB Hours|db hours
DBU Hours|dbu hours
PiB Seconds|pib seconds
Rotations|rotations
Endpoints|service endpoints
Unit Hours|unit hours
Authentications|authentications
Mbps|mbps
APIs|apis
Runs|activity runs
Checks|checks
Licenses|licenses
Users/Month|maus
Renders|renders
Transactions|transactions;s
Transactions in Thousands|1,000s
Actions|actions
Faces|faces
Operations|operations
Predictions|predictions
Data Points|data points
Messages|messages;text
Pushes|pushes
Queries|queries
Events|events
Calls|per call
`;

const UNITS: ReadonlyMap<string, string> = new Map(
  LINES.trim()
    .split('\n')
    .flatMap((line) => {
      const [unit = '', words = ''] = line.split('|');
      return words.split(';').map((word) => [word, unit] as const);
    }),
);
