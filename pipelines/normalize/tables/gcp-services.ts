/**
 * FOCUS's category of the services on a Google Cloud bill.
 * Seed: `gcp_category_mapping.csv` (125 services) of github finopsfoundation/focus_converters (MIT, Copyright (c) 2023 FinOps Foundation);
 * some of its categories are changed to where FOCUS 1.1 and later file such a service, subcategories and newer services are added.
 */
import { categoryOfSubcategory, type ServiceKind } from './service-kind.ts';

/** The category of a service by its description; undefined when it is not known. */
export function gcpServiceKind(description: string): ServiceKind | undefined {
  const key = description.trim().toLowerCase();
  return KINDS.get(key) ?? KINDS.get(bare(key));
}

/** Bills and documents disagree on `Google`, `Cloud` and `API` around a name. */
function bare(key: string): string {
  return key.replace(/^(?:google )?(?:cloud )?/, '').replace(/ api$/, '');
}

/** A line a subcategory: the services in it. */
const LINES = `
AI Platforms|Vertex AI,Cloud Machine Learning Engine,AI Platform,Contact Center AI Insights,Agent Assist,Vertex AI Agent Builder,Gemini Enterprise,Google Agentspace,Conversational Agents,Customer Engagement Suite
Bots|Cloud Dialogflow API,Dialogflow
Generative AI|Gemini API,Generative Language API,Gemini for Google Cloud,Gemini Code Assist,Claude Sonnet 4,Claude Sonnet 4.5,Claude Opus 4,Claude Haiku 4.5,Claude 3.5 Sonnet,Claude 3.5 Haiku,Claude 3.7 Sonnet
Machine Learning|Prediction,Cloud AutoML,Cloud TPU,Cloud Data Labeling Service,Cloud Optimization,Notebooks,Recommendations AI,Cloud Talent Solution,Google Click to Deploy Deep Learning VM,Cloud Vision API,Google Cloud Vision OCR On-Prem,Cloud Video Intelligence API,Cloud Document API,Cloud Document AI API,Document AI Warehouse,Vertex AI Vision,Genomics,Cloud Life Sciences
Natural Language Processing|Cloud Natural Language,Translate,Cloud Translation,Cloud Media Translation API,Cloud Speech API,Cloud Speech-to-Text,Cloud Text-to-Speech API,Speaker ID
Other (AI and Machine Learning)|Retail API,Discovery Engine
Analytics Platforms|BigQuery,BigQuery Reservation API,BigQuery BI Engine,BigQuery Storage API,Data Catalog,Dataplex,Cloud Dataplex,BigLake
Business Intelligence|Looker Data Platform SaaS,Looker,Looker Studio,Looker Studio Pro
Data Processing|Cloud Dataproc,Dataproc,Cloud Data Fusion,Dataproc Metastore,Cloud Dataprep,Dataform,Cloud Composer
Search|Custom Search,Programmable Search Element
Streaming Analytics|Cloud Dataflow,Dataflow,Managed Service for Apache Kafka
Productivity and Collaboration|Google Workspace,AppSheet
Containers|Kubernetes Engine,Anthos,Anthos Config Management,GKE Enterprise,Artifact Registry,Container Registry,Backup for GKE,MultiClusterIngress,Migrate for Anthos
Serverless Compute|Cloud Functions,Cloud Run,Cloud Run Functions,App Engine
Virtual Machines|Compute Engine,VMware Engine,VM Manager,Confidential Computing,Batch,Bare Metal Solution,Google Quickstart Simple pre-configured Debian VM,Google Distributed Cloud
End User Computing|Cloud Workstations
Other (Compute)|Red Hat OpenShift Container Platform,Red Hat® OpenShift® Container Platform
Caching|Cloud Memorystore for Memcached,Cloud Memorystore for Redis,Cloud Memorystore for Valkey,Memorystore
NoSQL Databases|Cloud Bigtable,Bigtable,Cloud Firestore,Firestore,Cloud Datastore,Firebase Realtime Database,MongoDB Atlas,MongoDB
Relational Databases|Cloud SQL,Cloud Spanner,Spanner,AlloyDB,AlloyDB for PostgreSQL
Other (Databases)|Oracle Database@Google Cloud
Continuous Integration and Deployment|Cloud Build,Cloud Deploy,Remote Build Execution
Developer Platforms|Google Cloud Platform Apigee team Apigee Developer Portal,Firebase App Hosting
Development Environments|Cloud Shell
Source Code Management|Source Repository,Secure Source Manager
Quality Assurance|Firebase Test Lab
Other (Developer Tools)|Infrastructure Manager
Identity and Access Management|Identity Platform,Firebase Auth,Cloud Identity,Managed Service for Microsoft Active Directory,BeyondCorp Enterprise,Chrome Enterprise Premium
API Management|Apigee,API Gateway,Cloud Endpoints,Google Service Control,Directions API,Distance Matrix API,Maps Elevation API,Geocoding API,Geolocation API,Roads API,Maps Static API,Time Zone API,Places API,Places API (New),Routes API,Street View Static API,Maps Embed API,Maps API,Maps JavaScript API,Google Maps Mobile SDK,Maps SDK for Unity,Address Validation API,Game Services API,Cloud Healthcare
Messaging|Cloud Pub/Sub,Pub/Sub Lite,Cloud Tasks
Workflow Orchestration|Workflows,Cloud Scheduler,Eventarc,Application Integration,Integration Connectors
IoT Platforms|Cloud IoT Core
Cost Management|Enterprise Agreement
Data Governance|Sensitive Data Protection,Cloud Data Loss Prevention
Disaster Recovery|Actifio GO,Backup and DR Service,Cloud Backup and DR
Observability|Stackdriver,Stackdriver Trace,Stackdriver Monitoring,Stackdriver Logging,Cloud Logging,Cloud Monitoring,Cloud Trace,Network Intelligence Center
Support|Support,Premium Support,Enhanced Support,Standard Support
Other (Management and Governance)|Google Cloud Platform Financial services team Datashare
Content Creation|Zync
Media Streaming|Live Stream API,Transcode API,Transcoder API,Video Stitcher API
Data Migration|BigQuery Data Transfer Service,Datastream,Transfer Appliance,Database Migration Service
Resource Migration|Migrate to Virtual Machines,Migration Center
Other (Mobile)|Firebase,Firebase Cloud Messaging,Firebase Hosting
Application Networking|Anthos Service Mesh,Traffic Director,Cloud Service Mesh,Service Discovery,Cloud Load Balancing,Private Service Connect
Content Delivery|Cloud CDN,CDN,Media CDN
Network Connectivity|Cloud Interconnect,Cloud VPN,Network Connectivity Center,NAT,Cloud NAT
Network Infrastructure|Networking,Network,Virtual Private Cloud,VPC,IP,Route,Cloud Router,Network Services
Network Routing|Cloud DNS,Cloud Domains
Network Security|Cloud Armor,Google Cloud Armor,Firewall,Cloud Firewall,Cloud NGFW,Cloud IDS
Secret Management|Secret Manager,Cloud Key Management Service (KMS),Key Management Service,Certificate Authority Service,Certificate Manager
Security Posture Management|Security Command Center,Container Registry Vulnerability Scanning,On-Demand Scanning,Binary Authorization,Assured Workloads,Artifact Analysis
Threat Detection and Response|Chronicle,Google Security Operations,Mandiant,Web Risk,reCAPTCHA Enterprise,reCAPTCHA,Fraud Defense
File Storage|Cloud Filestore,Filestore,Elastifile Cloud File System,NetApp Volumes,Cloud NetApp Volumes,Managed Lustre,Parallelstore
Object Storage|Cloud Storage
Storage Platforms|Transfer Service,Storage Transfer Service,Storage Insights
Application Platforms|Web App Hosting
Other (Other)|Invoice,Marketplace
`;

const KINDS: ReadonlyMap<string, ServiceKind> = parse(LINES);

function parse(lines: string): Map<string, ServiceKind> {
  const kinds = new Map<string, ServiceKind>();
  for (const line of lines.trim().split('\n')) {
    const [subcategory = '', names = ''] = line.split('|');
    const kind = { category: categoryOfSubcategory(subcategory), subcategory };
    for (const name of names.split(',')) {
      const key = name.toLowerCase();
      kinds.set(key, kind);
      if (!kinds.has(bare(key))) kinds.set(bare(key), kind);
    }
  }
  return kinds;
}
