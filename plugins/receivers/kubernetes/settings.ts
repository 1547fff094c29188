import type { ConfigOf, Schema } from '../../../pipelines/plugin/index.ts';

/** Settings of the receiver. */
export const settings = {
  kubeconfig: {
    doc: 'File that says where the API server is and who asks; without it the service account of the pod does.',
    format: 'path',
    default: null,
  },
  context: {
    doc: 'Context of the kubeconfig; without it its current one.',
    format: 'text',
    default: null,
  },
  api_server: {
    doc: 'URL of the API server, where no kubeconfig says it.',
    format: 'url',
    default: 'https://kubernetes.default.svc',
  },
  service_account: {
    doc: 'Folder with the token and the `ca.crt` of the service account of the pod.',
    format: 'path',
    default: '/var/run/secrets/kubernetes.io/serviceaccount',
  },
  node: {
    doc: 'Only this node and its pods, for an agent on each node; its name comes from the downward API (`spec.nodeName`).',
    format: 'text',
    default: null,
  },
  cluster: {
    doc: 'Name of the cluster, the `SubAccountId` of its charges; without it the uid of its namespace kube-system.',
    format: 'text',
    default: null,
  },
  account: {
    doc: 'Account that pays for the nodes, the `BillingAccountId`; without it the cluster.',
    format: 'text',
    default: null,
  },
  currency: { doc: 'Currency of the prices, ISO 4217.', format: 'text', default: 'USD' },
  costs: {
    doc: 'What is charged: nodes (with what runs on them), volumes, services (load balancers). With `node` only nodes.',
    format: 'list',
    default: ['nodes', 'volumes', 'services'],
  },
  usage: {
    doc: 'Where usage comes from: the metrics API, each kubelet, each kubelet through the API server, Prometheus, or nowhere (only requests count). `auto` is metrics, with `node` kubelet.',
    format: 'choice',
    values: ['auto', 'metrics', 'kubelet', 'kubelet_proxy', 'prometheus', 'requests'],
    default: 'auto',
  },
  kubelet: {
    ca: {
      doc: 'PEM file with the authority of the kubelets; without it that of the API server.',
      format: 'path',
      default: null,
    },
    port: { doc: 'Port of the kubelets.', format: 'int', default: 10250, min: 1, max: 65535 },
    insecure_skip_verify: {
      doc: 'Do not check the certificate of the kubelets: many have one that nobody signed.',
      format: 'flag',
      default: false,
    },
  },
  prometheus: {
    url: {
      doc: 'Prometheus that scrapes `/metrics/cadvisor` of the kubelets, or what answers like it; needed with usage `prometheus`.',
      format: 'url',
      default: null,
    },
    selector: {
      doc: 'Label matchers that choose the cluster where it knows several: `cluster="prod"`.',
      format: 'text',
      default: null,
    },
    window: {
      doc: 'Time over which CPU is measured; at least two scrapes.',
      format: 'duration',
      default: '5m',
      min: '10s',
      max: '1h',
    },
    headers: {
      doc: 'Headers of every request, for example `authorization` or `x-scope-orgid`.',
      format: 'secrets',
      default: {},
    },
    ca: {
      doc: 'PEM file with the authority of its certificate; without it those of the system.',
      format: 'path',
      default: null,
    },
  },
  interval: {
    doc: 'Pause between two looks at usage; what was counted is then on disk.',
    format: 'duration',
    default: '1m',
    min: '10s',
    max: '15m',
  },
  longest_gap: {
    doc: 'A longer time without a look at the cluster is not counted, and said.',
    format: 'duration',
    default: '30m',
    min: '1m',
    max: '6h',
  },
  page_size: {
    doc: 'Objects in one answer of the API server.',
    format: 'int',
    default: 500,
    min: 10,
    max: 5000,
  },
  price_from: {
    doc: 'What prices of nodes are taken from, the first that knows: bill (effective cost of the instance, in bills that this agent reads) and catalog (price lists) by the extension `catalog`, settings (`prices`, then `price_by_rates`).',
    format: 'list',
    default: ['bill', 'catalog', 'settings'],
  },
  prices: {
    doc: 'Price of a node per hour, by instance type, `type/region`, `type/spot` or `type/region/spot`.',
    format: 'map',
    default: {},
  },
  rates: {
    cpu: {
      doc: 'Rate of a core per hour. The rates say how the price of a node is split among its resources.',
      format: 'text',
      default: '0.031611',
    },
    memory: { doc: 'Rate of a GiB of memory per hour.', format: 'text', default: '0.004237' },
    gpu: { doc: 'Rate of a GPU per hour.', format: 'text', default: '0.95' },
  },
  price_by_rates: {
    doc: 'Nodes without a price cost their capacity times the rates; else they are said and become dead letters.',
    format: 'flag',
    default: false,
  },
  storage_prices: {
    doc: 'Price of a GiB of a volume per month (730 hours), by storage class; `default` for all others.',
    format: 'map',
    default: {},
  },
  load_balancer_price: {
    doc: 'Price of a service of type LoadBalancer per hour.',
    format: 'text',
    default: null,
  },
  control_plane_price: {
    doc: 'Price of the control plane per hour; not with `node`.',
    format: 'text',
    default: null,
  },
  network_price: {
    doc: 'Price of a GiB that a pod sends, wherever to; needs usage from kubelets.',
    format: 'text',
    default: null,
  },
  idle: {
    doc: 'What nobody asked for or used: charges of their own by node and resource, one by node, one by cluster, or spread over the containers of the node.',
    format: 'choice',
    values: ['separate', 'by_node', 'by_cluster', 'spread'],
    default: 'separate',
  },
  overhead: {
    doc: 'What nodes keep for themselves (capacity that is not allocatable): charges of their own, or spread over the containers of the node.',
    format: 'choice',
    values: ['separate', 'spread'],
    default: 'separate',
  },
  daemonsets: {
    doc: 'Pods of DaemonSets: charges of their own, or spread over the other containers of the node.',
    format: 'choice',
    values: ['separate', 'spread'],
    default: 'separate',
  },
  control_plane: {
    doc: 'The control plane: a charge of its own, or spread over all pods.',
    format: 'choice',
    values: ['separate', 'spread'],
    default: 'separate',
  },
  cost_allocations: {
    enabled: {
      doc: 'Keep the status of the `CostAllocation` objects of the cluster: what the pods that they choose cost, by day. Needs their definition and a role; not with `node`.',
      format: 'flag',
      default: false,
    },
    days: { doc: 'Days that a status has.', format: 'int', default: 31, min: 1, max: 366 },
  },
  namespace_labels: {
    doc: 'Labels of a namespace that its pods have too, where they have no label of that name.',
    format: 'list',
    default: ['team', 'owner', 'cost-center', 'environment'],
  },
} as const satisfies Schema;

export type Settings = ConfigOf<typeof settings>;
