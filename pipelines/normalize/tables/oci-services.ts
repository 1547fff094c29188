/**
 * Services of Oracle Cloud by FOCUS service category and subcategory: the codes of cost reports (`BLOCK_STORAGE`) and the names
 * of newer reports (`Block Storage`), compared by `ociServiceKey`. Source: own reading of Oracle's list of services.
 */
import { type ServiceGroups, serviceTables } from './services.ts';

const GROUPS: ServiceGroups = {
  'AI and Machine Learning': {
    'Generative AI': ['GENERATIVE_AI', 'GENERATIVE_AI_AGENTS'],
    Bots: ['DIGITAL_ASSISTANT'],
    'Machine Learning': [
      'DATA_SCIENCE',
      'DATASCIENCE',
      'ANOMALY_DETECTION',
      'FORECASTING',
      'VISION',
      'DATA_LABELING',
    ],
    'Natural Language Processing': ['LANGUAGE', 'SPEECH', 'DOCUMENT_UNDERSTANDING', 'DOCUMENT'],
  },
  Analytics: {
    'Analytics Platforms': ['ANALYTICS', 'BIG_DATA', 'BIG_DATA_SERVICE', 'DATA_CATALOG'],
    'Business Intelligence': ['ORACLE_ANALYTICS_CLOUD', 'ANALYTICS_CLOUD'],
    'Data Processing': ['DATA_FLOW', 'DATA_INTEGRATION', 'DATAINTEGRATION'],
    Search: ['OPENSEARCH', 'SEARCH'],
    'Streaming Analytics': ['GOLDENGATE_STREAM_ANALYTICS'],
  },
  'Business Applications': {
    'Productivity and Collaboration': ['CONTENT_MANAGEMENT', 'VISUAL_BUILDER'],
    'Other (Business Applications)': ['EMAIL_DELIVERY', 'EMAIL'],
  },
  Compute: {
    Containers: [
      'CONTAINER_ENGINE',
      'OKE',
      'CONTAINER_INSTANCES',
      'CONTAINER_REGISTRY',
      'REGISTRY',
    ],
    'End User Computing': ['SECURE_DESKTOPS'],
    'Serverless Compute': ['FUNCTIONS', 'ORACLE_FUNCTIONS'],
    'Virtual Machines': ['COMPUTE', 'VMWARE', 'ORACLE_CLOUD_VMWARE_SOLUTION'],
  },
  Databases: {
    Caching: ['CACHE', 'OCI_CACHE', 'REDIS'],
    'Data Warehouses': ['AUTONOMOUS_DATA_WAREHOUSE', 'ADW'],
    'NoSQL Databases': ['NOSQL', 'NOSQL_DATABASE'],
    'Relational Databases': [
      'DATABASE',
      'AUTONOMOUS_DATABASE',
      'EXADATA',
      'MYSQL',
      'POSTGRESQL',
      'ATP',
      'DATABASE_MANAGEMENT',
      'OPERATIONS_INSIGHTS',
    ],
  },
  'Developer Tools': {
    'Continuous Integration and Deployment': ['DEVOPS'],
    'Developer Platforms': ['APEX', 'BLOCKCHAIN', 'RESOURCE_MANAGER', 'JAVA_MANAGEMENT'],
  },
  Identity: { 'Identity and Access Management': ['IDENTITY', 'IDENTITY_DOMAINS', 'IDCS'] },
  Integration: {
    'API Management': ['API_GATEWAY', 'APIGATEWAY'],
    Messaging: [
      'STREAMING',
      'ORACLE_STREAMING_SERVICE',
      'QUEUE',
      'NOTIFICATIONS',
      'ORACLE_NOTIFICATION_SERVICE',
      'EVENTS',
    ],
    'Workflow Orchestration': ['PROCESS_AUTOMATION'],
    'Other (Integration)': ['INTEGRATION', 'ORACLE_INTEGRATION', 'GOLDENGATE', 'SOA'],
  },
  'Management and Governance': {
    'Disaster Recovery': ['FULL_STACK_DISASTER_RECOVERY'],
    Observability: [
      'TELEMETRY',
      'MONITORING',
      'LOGGING',
      'LOGGING_ANALYTICS',
      'APM',
      'APPLICATION_PERFORMANCE_MONITORING',
      'HEALTH_CHECKS',
    ],
    Support: ['SUPPORT'],
  },
  Media: { 'Media Streaming': ['MEDIA_SERVICES', 'MEDIA_FLOW', 'MEDIA_STREAMS'] },
  Migration: {
    'Data Migration': ['DATABASE_MIGRATION', 'DATA_TRANSFER'],
    'Resource Migration': ['CLOUD_MIGRATIONS'],
  },
  Networking: {
    'Application Networking': ['LOAD_BALANCER', 'LOADBALANCER', 'NETWORK_LOAD_BALANCER'],
    'Content Delivery': ['CDN'],
    'Network Connectivity': ['FASTCONNECT', 'VPN'],
    'Network Infrastructure': ['NETWORK', 'NETWORKING', 'VIRTUAL_CLOUD_NETWORK'],
    'Network Routing': ['DNS', 'TRAFFIC_MANAGEMENT'],
    'Network Security': ['WAF', 'WEB_APPLICATION_FIREWALL', 'NETWORK_FIREWALL'],
  },
  Security: {
    'Secret Management': ['KMS', 'KEY_MANAGEMENT', 'VAULT', 'CERTIFICATES'],
    'Security Posture Management': [
      'CLOUD_GUARD',
      'DATA_SAFE',
      'VULNERABILITY_SCANNING',
      'SECURITY_ZONES',
    ],
    'Threat Detection and Response': ['THREAT_INTELLIGENCE'],
    'Other (Security)': ['BASTION'],
  },
  Storage: {
    'Backup Storage': ['RECOVERY_SERVICE', 'AUTONOMOUS_RECOVERY_SERVICE'],
    'Block Storage': ['BLOCK_STORAGE', 'BLOCK_VOLUME'],
    'File Storage': ['FILE_STORAGE', 'FSS'],
    'Object Storage': ['OBJECTSTORE', 'OBJECT_STORAGE', 'ARCHIVE_STORAGE'],
  },
};

/** `Block Storage`, `block-storage` and `BLOCK_STORAGE` are one service. */
export function ociServiceKey(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]+/g, '');
}

/** Category and subcategory by `ociServiceKey`. */
export const OCI_SERVICES = serviceTables(GROUPS, ociServiceKey);
