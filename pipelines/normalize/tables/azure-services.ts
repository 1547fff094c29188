/**
 * Which service an Azure charge is for, and FOCUS's category of it.
 * Facts: `Services.csv` of the FinOps toolkit's open data (github microsoft/finops-toolkit, MIT, Copyright (c) Microsoft Corporation), rearranged,
 * with subcategories outside the FOCUS list replaced; the categories by consumed service alone: `azure_category_mapping.csv` of
 * github finopsfoundation/focus_converters (MIT, Copyright (c) 2023 FinOps Foundation); meter categories: our own.
 */
import { categoryOfSubcategory, type ServiceKind } from './service-kind.ts';

/** What a bill says about the service, each null when it says nothing. */
export interface AzureServiceClues {
  readonly consumedService: string | undefined;
  /** `microsoft.compute/virtualmachines` */
  readonly resourceType: string | undefined;
  readonly meterCategory: string | undefined;
}

/** The name of the service: by resource type, then meter category, then consumed service. */
export function azureServiceName({
  consumedService,
  resourceType,
  meterCategory,
}: AzureServiceClues): string {
  const consumed = consumedService?.trim().toLowerCase();
  const type = resourceType?.toLowerCase();
  const meter = meterCategory?.trim();
  return (
    BY_TYPE.get(`${consumed}>${type}`) ??
    BY_TYPE.get(type ?? '') ??
    (meter !== undefined && KINDS.has(meter.toLowerCase()) ? meter : undefined) ??
    BY_CONSUMED.get(consumed ?? '') ??
    meter ??
    consumedService?.trim() ??
    'Microsoft Azure'
  );
}

/** The FOCUS category of a service name that `azureServiceName` gave; undefined when it is not known. */
export function azureServiceKind(serviceName: string): ServiceKind | undefined {
  return KINDS.get(serviceName.toLowerCase());
}

/** A line a service: name, subcategory, resource types (`consumed>type` when the type alone does not settle it), consumed services that mean it alone. */
const SERVICES = `
API Center|API Management|microsoft.apicenter/service microsoft.apicenter/services|api center,microsoft.apicenter
API Management|API Management|microsoft.apimanagement/gateways microsoft.apimanagement/service|api management,microsoft.apimanagement
App Center|Developer Platforms|microsoft.appcenter/accounts|microsoft.appcenter
App Configuration|Other (Web)|microsoft.appconfiguration/configurationstores|microsoft.appconfiguration
Application Gateway|Application Networking|microsoft.network/applicationgateways|
Application Gateway for Containers|Application Networking|microsoft.servicenetworking/trafficcontrollers|microsoft.servicenetworking
Azure AI Bot Service|Bots|microsoft.botservice/botservices|microsoft.botservice
Azure AI Search|Search|microsoft.search/searchservices microsoft.search/searchservices/sharedprivatelinkresources|microsoft.search
Azure AI Services|AI Platforms|microsoft.cognitiveservices/accounts microsoft.cognitiveservices/commitmentplans|microsoft.cognitiveservices
Azure AI Video Indexer|AI Platforms|microsoft.videoindexer/accounts|microsoft.videoindexer
Azure Analysis Services|Data Processing|microsoft.analysisservices/servers|microsoft.analysisservices
Azure App Service|Application Platforms|appservices>microsoft.security/pricings microsoft.web/sites microsoft.certificateregistration/certificateorders microsoft.domainregistration/domains microsoft.web/serverfarms microsoft.web/connections microsoft.web/containerapps microsoft.web/hostingenvironments microsoft.web/sites/slots microsoft.web/staticsites microsoft.web.admin/role|appservices,azure app service,microsoft.certificateregistration,microsoft.domainregistration,microsoft.web,microsoft.web.admin
Azure Arc|Multicloud Integration|microsoft.azurearcdata/postgresinstances microsoft.azurearcdata/sqlmanagedinstances microsoft.azurearcdata/sqlserveresulicenses microsoft.azurearcdata/sqlserverinstances microsoft.azurearcdata/sqlserverlicenses microsoft.hybridcompute/licenses microsoft.hybridcompute/machines microsoft.kubernetes/connectedclusters microsoft.hybridnetwork/sitenetworkservices|microsoft.azurearcdata,microsoft.hybridcompute,microsoft.hybridcontainerservice,microsoft.hybridnetwork,microsoft.kubernetes
Azure Automation|Workflow Orchestration|microsoft.automation/automationaccounts|microsoft.automation
Azure Backup|Backup Storage|microsoft.dataprotection/backupvaults|microsoft.dataprotection
Azure Bastion|Network Security|microsoft.network/bastionhosts|bastion scale units
Azure Cache for Redis|Caching|microsoft.cache/redis microsoft.cache/redisenterprise|microsoft.cache
Azure Chaos Studio|Disaster Recovery|microsoft.chaos/experiments|microsoft.chaos
Azure Communication Services|Messaging|microsoft.communication/communicationservices|microsoft.communication
Azure Communications Gateway|Messaging|microsoft.voiceservices/communicationsgateways|microsoft.voiceservices
Azure Compute Fleet|Virtual Machines|microsoft.azurefleet/fleets|microsoft.azurefleet
Azure Confidential Ledger|Ledger Databases|microsoft.confidentialledger/ledgers microsoft.confidentialledger/managedccfs|microsoft.confidentialledger
Azure Container Apps|Containers|microsoft.app/containerapps microsoft.app/jobs microsoft.app/managedenvironments microsoft.app/sessionpools|microsoft.app
Azure Container Instances|Containers|microsoft.containerinstance/containergroups|microsoft.containerinstance
Azure Container Registry|Containers|containerregistry>microsoft.security/pricings microsoft.containerregistry/registries|containerregistry,microsoft.containerregistry
Azure Container Service|Containers|microsoft.containerservice/containerservices|
Azure DB for MariaDB|Relational Databases|microsoft.dbformariadb/servers|microsoft.dbformariadb
Azure DB for MySQL|Relational Databases|microsoft.dbformysql/flexibleservers microsoft.dbformysql/servers|microsoft.dbformysql
Azure DB for PostgreSQL|Relational Databases|microsoft.dbforpostgresql/flexibleservers microsoft.dbforpostgresql/servergroupsv2 microsoft.dbforpostgresql/servers|microsoft.dbforpostgresql
Azure DDoS Protection|Network Security|microsoft.network/ddosprotectionplans|
Azure DNS|Network Routing|microsoft.network/dnsforwardingrulesets microsoft.network/dnsresolvers microsoft.network/dnsresolvers/outboundendpoints microsoft.network/dnszones|
Azure Data Box|Data Migration|microsoft.databox/jobs microsoft.databoxedge/databoxedgedevices|microsoft.databox,microsoft.databoxedge
Azure Data Explorer|Analytics Platforms|microsoft.kusto/clusters|microsoft.kusto
Azure Data Factory|Workflow Orchestration|microsoft.datafactory/datafactories microsoft.datafactory/factories microsoft.datafactory/factories/pipelines microsoft.datafactory/factories/triggers|microsoft.datafactory
Azure Data Lake Analytics|Data Processing|microsoft.datalakeanalytics/accounts|microsoft.datalakeanalytics
Azure Data Lake Store|Object Storage|microsoft.datalakestore/accounts|microsoft.datalakestore
Azure Data Manager for Energy|Analytics Platforms|microsoft.openenergyplatform/energyservices|microsoft.openenergyplatform
Azure Data Share|Data Migration|microsoft.datashare/accounts|microsoft.datashare
Azure Database Migration Service|Data Migration|microsoft.datamigration/sqlmigrationservices|microsoft.datamigration
Azure Databricks|Data Processing|microsoft.databricks/workspaces|microsoft.databricks
Azure Dedicated HSM|Secret Management|microsoft.hardwaresecuritymodules/cloudhsmclusters microsoft.hardwaresecuritymodules/dedicatedhsms|microsoft.hardwaresecuritymodules
Azure Dedicated Host|Virtual Machines|microsoft.compute/hostgroups|
Azure DevOps|Developer Platforms|microsoft.visualstudio/organizations|microsoft.visualstudio
Azure Digital Twins|IoT Analytics|microsoft.digitaltwins/digitaltwinsinstances|microsoft.digitaltwins
Azure Elastic SAN|Block Storage|microsoft.elasticsan/elasticsans|microsoft.elasticsan
Azure ExpressRoute|Network Routing|microsoft.network/expressroutecircuits microsoft.network/expressroutegateways microsoft.network/expressrouteports microsoft.networkfunction/azuretrafficcollectors|microsoft.networkfunction
Azure FarmBeats|IoT Analytics|microsoft.agfoodplatform/farmbeats|microsoft.agfoodplatform
Azure File Sync|Data Migration|microsoft.storagesync/storagesyncservices|microsoft.storagesync
Azure Firewall|Network Security|microsoft.network/azurefirewalls|
Azure Firewall Manager|Network Security|microsoft.network/firewallpolicies|
Azure Fluid Relay|Other (Web)|microsoft.fluidrelay/fluidrelayservers|microsoft.fluidrelay
Azure Front Door|Content Delivery|microsoft.network/frontdoors microsoft.network/frontdoorwebapplicationfirewallpolicies|
Azure HPC Cache|Storage Platforms|microsoft.storagecache/amlfilesystems microsoft.storagecache/caches|microsoft.storagecache
Azure Health Data Services|Analytics Platforms|microsoft.healthcareapis/workspaces microsoft.healthcareapis/services microsoft.healthdataaiservices/deidservices|microsoft.healthcareapis,microsoft.healthdataaiservices
Azure Import/Export|Data Migration|microsoft.importexport/jobs|microsoft.importexport
Azure Internet Analyzer|Network Connectivity|microsoft.network/internetanalyzerprofiles|
Azure IoT Central|IoT Platforms|microsoft.iotcentral/iotapps|microsoft.iotcentral
Azure IoT Hub|IoT Platforms|microsoft.deviceregistry/billingcontainers microsoft.devices/iothubs microsoft.devices/provisioningservices microsoft.deviceupdate/accounts|microsoft.deviceregistry,microsoft.devices,microsoft.deviceupdate
Azure IoT Operations|IoT Platforms|microsoft.iotoperations/instances|microsoft.iotoperations
Azure Kubernetes Service|Containers|kubernetesservice>microsoft.security/pricings microsoft.containerservice/managedclusters|kubernetesservice,microsoft.kubernetesconfiguration
Azure Lab Services|End User Computing|microsoft.labservices/labaccounts microsoft.labservices/labs|microsoft.labservices
Azure Load Testing|Quality Assurance|microsoft.loadtestservice/loadtests|microsoft.loadtestservice
Azure Machine Learning|Machine Learning|microsoft.machinelearningservices/workspaces microsoft.machinelearning/commitmentplans microsoft.machinelearning/workspaces microsoft.machinelearningservices/registries|microsoft.machinelearning,microsoft.machinelearningservices
Azure Managed Applications|Other (Other)|microsoft.solutions/applications|microsoft.solutions
Azure Managed Grafana|Business Intelligence|microsoft.dashboard/grafana|microsoft.dashboard
Azure Maps|Other (Web)|microsoft.maps/accounts|microsoft.maps
Azure Marketplace|Other (Other)|marketplace/account microsoft.saas/resources microsoft.saas/saasresources|marketplace,microsoft.saas
Azure Media Services|Media Streaming|microsoft.media/mediaservices microsoft.media/videoanalyzers|microsoft.media
Azure Migrate|Resource Migration|microsoft.migrate/movecollections|microsoft.migrate
Azure Modeling and Simulation Workbench|Analytics Platforms|microsoft.modsimworkbench/workbenches|microsoft.modsimworkbench
Azure Monitor|Observability|microsoft.insights/actiongroups microsoft.insights/components microsoft.insights/datacollectionrules microsoft.insights/metricalerts microsoft.insights/pricings microsoft.insights/scheduledqueryrules microsoft.monitor/accounts microsoft.networkanalytics/dataconnectors microsoft.networkanalytics/dataproducts microsoft.operationalinsights/azurefirewall microsoft.operationalinsights/clusters microsoft.operationalinsights/networksecuritygroups microsoft.operationalinsights/p2svpngateways microsoft.operationalinsights/virtualnetworkgateways microsoft.operationalinsights/workspaces|microsoft.insights,microsoft.monitor,microsoft.networkanalytics,microsoft.operationalinsights
Azure NAT Gateway|Network Connectivity|microsoft.network/natgateways|
Azure NetApp Files|File Storage|microsoft.netapp/netappaccounts microsoft.netapp/netappaccounts/capacitypools|microsoft.netapp
Azure Network Function Manager|Network Infrastructure|microsoft.hybridnetwork/devices|
Azure Operator Nexus|Virtual Machines|microsoft.networkcloud/baremetalmachines|microsoft.networkcloud
Azure Orbital|Network Connectivity|microsoft.orbital/groundstations microsoft.orbital/spacecrafts microsoft.orbital/terminals|microsoft.orbital
Azure Peering Service|Network Connectivity|microsoft.peering/peerings|microsoft.peering
Azure PlayFab|Gaming|playfabbillingservice/blobs playfabbillingservice/catalogrequests playfabbillingservice/compute playfabbillingservice/egress playfabbillingservice/events playfabbillingservice/executiontimegbs playfabbillingservice/filestorage playfabbillingservice/flatfee playfabbillingservice/insightscredits playfabbillingservice/inventoryreadrequests playfabbillingservice/inventorywriterequests playfabbillingservice/itemstorage playfabbillingservice/lobbyrequests playfabbillingservice/matchmakingrequests playfabbillingservice/messages playfabbillingservice/partyconnectivity playfabbillingservice/partyvoice playfabbillingservice/playstream playfabbillingservice/reads playfabbillingservice/storage playfabbillingservice/telemetry playfabbillingservice/totalexecution playfabbillingservice/writes|playfabbillingservice
Azure Private 5G Core|Network Connectivity|microsoft.mobilenetwork/mobilenetworks microsoft.mobilenetwork/packetcorecontrolplanes|microsoft.mobilenetwork
Azure Private Link|Network Connectivity|microsoft.network/privatednszones microsoft.network/privateendpoints|
Azure Quantum|Quantum Compute|microsoft.quantum/workspaces|microsoft.quantum
Azure Relay|Messaging|microsoft.relay/namespaces|microsoft.relay
Azure Reservations|Cost Management|microsoft.capacity/reservationorders microsoft.capacity/reservationorders/reservations|microsoft.capacity
Azure SQL Database|Relational Databases|microsoft.sql/locations microsoft.sql/instancepools microsoft.sql/longtermretentionmanagedinstances microsoft.sql/longtermretentionservers microsoft.sql/longtermretentionservers/longtermretentiondatabases microsoft.sql/managedinstances microsoft.sql/servers microsoft.sql/servers/databases microsoft.sql/servers/elasticpools|microsoft.sql
Azure Savings Plan for Compute|Other (Compute)|microsoft.billingbenefits/savingsplanorders microsoft.billingbenefits/savingsplanorders/savingsplans|microsoft.billingbenefits
Azure SignalR Service|Other (Web)|microsoft.signalrservice/signalr microsoft.signalrservice/webpubsub|microsoft.signalrservice
Azure Site Recovery|Disaster Recovery|microsoft.datareplication.admin/clusters microsoft.recoveryservices/vaults|microsoft.datareplication.admin,microsoft.recoveryservices
Azure Spring Apps|Application Platforms|microsoft.appplatform/spring|microsoft.appplatform
Azure Stack Edge|Multicloud Integration|microsoft.edgeorder/orderitems|microsoft.edgeorder
Azure Stack HCI|Multicloud Integration|microsoft.azurestackhci/clusters|microsoft.azurestackhci
Azure StorSimple|Storage Platforms|microsoft.storsimple/managers|microsoft.storsimple
Azure Stream Analytics|Streaming Analytics|microsoft.streamanalytics/clusters microsoft.streamanalytics/streamingjobs|microsoft.streamanalytics
Azure Synapse Analytics|Analytics Platforms|microsoft.synapse/workspaces microsoft.synapse/workspaces/bigdatapools microsoft.synapse/workspaces/kustopools microsoft.synapse/workspaces/sqlpools|microsoft.synapse
Azure Time Series Insights|IoT Analytics|microsoft.timeseriesinsights/environments|microsoft.timeseriesinsights
Azure VMware Solution|Virtual Machines|microsoft.avs/privateclouds microsoft.nutanix/nodes|microsoft.avs,microsoft.nutanix
Azure Virtual Desktop|End User Computing|microsoft.desktopvirtualization/hostpools|microsoft.desktopvirtualization
Azure Virtual Network Manager|Network Infrastructure|microsoft.network/networkmanagers|
BareMetal Infrastructure|Virtual Machines|microsoft.baremetalinfrastructure/baremetalstorageinstances|microsoft.baremetalinfrastructure
Batch|Serverless Compute|microsoft.batch/batchaccounts microsoft.batch/batchaccounts/pools|microsoft.batch
Citrix Virtual App Essentials|End User Computing|citrix.services/xenappessentials|
Citrix Virtual Desktop Essentials|End User Computing|citrix.services/xendesktopessentials|
Cloud Services|Serverless Compute|microsoft.compute/cloudservices|
Community Training|Other (Business Applications)|microsoft.community/communitytrainings|microsoft.community
Content Delivery Network|Content Delivery|microsoft.cdn/cdnwebapplicationfirewallpolicies microsoft.cdn/profiles|microsoft.cdn
Cosmos DB|NoSQL Databases|microsoft.documentdb/cassandraclusters microsoft.documentdb/databaseaccounts microsoft.documentdb/mongocluster microsoft.documentdb/mongoclusters|microsoft.documentdb
Data Catalog|Data Processing|microsoft.datacatalog/catalogs|microsoft.datacatalog
Dynamics 365 Fraud Protection|Threat Detection and Response|microsoft.dynamics365fraudprotection/instances|microsoft.dynamics365fraudprotection
Event Grid|Messaging|microsoft.eventgrid/domains microsoft.eventgrid/extensiontopics microsoft.eventgrid/namespaces microsoft.eventgrid/partnertopics microsoft.eventgrid/systemtopics microsoft.eventgrid/topics|
Event Hubs|Messaging|microsoft.eventhub/namespaces microsoft.eventhub/clusters|microsoft.eventhub
Functions|Serverless Compute|functions>microsoft.web/sites microsoft.durabletask/schedulers|functions,microsoft.durabletask
GitHub Enterprise Cloud|Developer Platforms|github/enterpriseaccount github.enterprise/accounts|github,github.enterprise
HDInsight|Data Processing|microsoft.hdinsight/clusterpools microsoft.hdinsight/clusters microsoft.hdinsightfairfax/clusters|microsoft.hdinsight,microsoft.hdinsightfairfax
Health Bot|Bots|microsoft.healthbot/healthbots|microsoft.healthbot
Intelligent Recommendations|AI Platforms|microsoft.recommendationsservice/accounts|microsoft.recommendationsservice
Key Vault|Secret Management|microsoft.keyvault/vaults microsoft.keyvault/hsmpools microsoft.keyvault/managedhsms|microsoft.keyvault
Load Balancer|Application Networking|microsoft.network/loadbalancers|
Logic Apps|Workflow Orchestration|microsoft.logic/integrationaccounts microsoft.logic/integrationserviceenvironments microsoft.logic/workflows|microsoft.logic
Managed DevOps Pools|Continuous Integration and Deployment|microsoft.devopsinfrastructure/pools|microsoft.devopsinfrastructure
Microsoft Autonomous Systems|AI Platforms|microsoft.autonomousdevelopmentplatform/workspaces|microsoft.autonomousdevelopmentplatform
Microsoft Bing|Search|microsoft.bing/accounts|microsoft.bing
Microsoft Copilot for Security|Security Posture Management|microsoft.securitycopilot/capacities|microsoft.securitycopilot
Microsoft Defender for Cloud|Security Posture Management|microsoft.easm/workspaces microsoft.security/pricings microsoft.security/securityconnectors|microsoft.easm
Microsoft Defender for Endpoint|Endpoint Management|microsoft.security/mdeservers|
Microsoft Defender for IoT|IoT Platforms|microsoft.iotsecurity/defendersettings|microsoft.iotsecurity
Microsoft Dev Box|Continuous Integration and Deployment|microsoft.devcenter/projects|microsoft.devcenter
Microsoft Edge Enterprise|Productivity and Collaboration|microsoft.edge/contexts|
Microsoft Entra Domain Services|Identity and Access Management|microsoft.aad/domainservices|microsoft.aad
Microsoft Entra External Identities|Identity and Access Management|microsoft.azureactivedirectory/b2cdirectories microsoft.azureactivedirectory/ciamdirectories microsoft.azureactivedirectory/guestusages|microsoft.azureactivedirectory
Microsoft Entra ID|Identity and Access Management|mfa/perauthentication mfa/peruser|mfa
Microsoft Entra Verified ID|Identity and Access Management|microsoft.verifiedid/authorities|microsoft.verifiedid
Microsoft Genomics|Data Processing|microsoft.genomics/accounts|microsoft.genomics
Microsoft Graph|API Management|microsoft.graph/accounts microsoft.graphservices/accounts|microsoft.graphservices
Microsoft Graph Data Connect|API Management|microsoft.graph/azureadapplications|
Microsoft Premonition|Analytics Platforms|microsoft.premonition/libraries|microsoft.premonition
Microsoft Purview|Data Governance|microsoft.purview/accounts|microsoft.purview
Microsoft Syntex|AI Platforms|microsoft.syntex/accounts microsoft.syntex/documentprocessors|microsoft.syntex
Microsoft Teams|Productivity and Collaboration|microsoft.teams/telephonyservices|microsoft.teams
Microsoft.Fabric|Analytics Platforms|microsoft.fabric/capacities|microsoft.fabric
NGINX Plus|Application Networking|nginx.nginxplus/nginxdeployments|nginx.nginxplus
Network Watcher|Network Infrastructure|microsoft.network/networkwatchers microsoft.network/networkwatchers/connectionmonitors microsoft.network/networkwatchers/flowlogs|
Notification Hubs|Messaging|microsoft.notificationhubs/namespaces|microsoft.notificationhubs
Object Anchors|Mixed Reality|microsoft.mixedreality/objectanchorsaccounts|
Playwright Testing|Quality Assurance|microsoft.azureplaywrightservice/accounts|microsoft.azureplaywrightservice
Power BI Embedded|Business Intelligence|microsoft.powerbidedicated/autoscalevcores microsoft.powerbidedicated/capacities|microsoft.powerbidedicated
Power Platforms|Productivity and Collaboration|microsoft.powerplatform/accounts|microsoft.powerplatform
Remote Rendering|Mixed Reality|microsoft.mixedreality/remoterenderingaccounts|
SAP on Azure|Virtual Machines|microsoft.hanaonazure/hanainstances|microsoft.hanaonazure
Service Bus|Messaging|microsoft.servicebus/namespaces|microsoft.servicebus
Spatial Anchors|Mixed Reality|microsoft.mixedreality/spatialanchorsaccounts|
Storage Accounts|Storage Platforms|microsoft.classicstorage/storageaccounts microsoft.storage/storageaccounts microsoft.storage/storageaccounts/blobservices microsoft.storage/storageaccounts/fileservices microsoft.storage/storageaccounts/queueservices microsoft.storage/storageaccounts/tableservices|microsoft.classicstorage,microsoft.storage
Test Base for Microsoft 365|Quality Assurance|microsoft.testbase/testbaseaccounts|microsoft.testbase
Traffic Manager|Application Networking|microsoft.network/trafficmanagerprofiles|
Trusted Signing|Continuous Integration and Deployment|microsoft.codesigning/codesigningaccounts|microsoft.codesigning
VPN Gateway|Network Connectivity|microsoft.network/p2svpngateways microsoft.network/vpngateways|
Virtual Machine Scale Sets|Virtual Machines|microsoft.compute/virtualmachinescalesets microsoft.compute/virtualmachinescalesets/virtualmachines microsoft.compute/virtualmachinescalesets/virtualmachines/networkinterfaces/ipconfigurations/publicipaddresses|
Virtual Machines|Virtual Machines|microsoft.classiccompute/domainnames microsoft.classiccompute/virtualmachines microsoft.compute/capacityreservationgroups microsoft.compute/capacityreservationgroups/capacityreservations microsoft.compute/disks microsoft.compute/galleries microsoft.compute/galleries/images/versions microsoft.compute/images microsoft.compute/restorepointcollections microsoft.compute/sharedvmimages microsoft.compute/snapshots microsoft.compute/virtualmachines microsoft.maintenance/maintenanceconfigurations virtualmachines>microsoft.security/pricings|microsoft.classiccompute,virtualmachines
Virtual Network|Network Infrastructure|microsoft.classicnetwork/ipv4vip microsoft.classicnetwork/publicip microsoft.classicnetwork/publicipaddresses microsoft.network/connections microsoft.network/networkinterfaces microsoft.network/networksecuritygroups microsoft.network/networkvirtualappliances microsoft.network/publicipaddresses microsoft.network/publicipprefixes microsoft.network/virtualnetworkgateways microsoft.network/virtualnetworkgateways/connections microsoft.network/virtualnetworks|microsoft.classicnetwork
Virtual WAN|Network Connectivity|microsoft.network/virtualhubs|
Windows for IoT|IoT Platforms|microsoft.windowsiot/deviceservices|microsoft.windowsiot
`;

/** A line a subcategory: meter categories that are no service's name. */
const METER_CATEGORIES = `
Storage Platforms|Storage
Other (Networking)|Bandwidth
Network Infrastructure|Virtual Network Private Link,Virtual Network Peering
Network Connectivity|NAT Gateway
Content Delivery|Azure Front Door Service,Azure CDN from Microsoft,Azure CDN
Network Routing|ExpressRoute
Network Security|Web Application Firewall
Virtual Machines|Virtual Machines Licenses,Virtual Machine Licenses,Azure Dedicated Hosts,Specialized Compute
Containers|Container Registry,Container Instances,Azure Red Hat OpenShift
End User Computing|Windows Virtual Desktop
Relational Databases|SQL Database,SQL Managed Instance,SQL Server Stretch Database,Azure Database for MySQL,Azure Database for PostgreSQL,Azure Database for MariaDB
Caching|Redis Cache
NoSQL Databases|Azure Cosmos DB
Workflow Orchestration|Azure Data Factory,Azure Data Factory v2,Automation,Scheduler
Streaming Analytics|Stream Analytics
Analytics Platforms|Microsoft Fabric
Business Intelligence|Power BI
Search|Azure Cognitive Search
AI Platforms|Cognitive Services,Foundry Tools
Generative AI|Azure OpenAI,Foundry Models
Bots|Azure Bot Service
Observability|Log Analytics,Application Insights,Insight and Analytics
Threat Detection and Response|Sentinel,Microsoft Sentinel,Advanced Threat Protection
Security Posture Management|Security Center
Backup Storage|Backup
Support|Support
Developer Platforms|Visual Studio Subscription
Identity and Access Management|Azure Active Directory,Azure Active Directory B2C,Multi-Factor Authentication
Application Platforms|Azure Spring Cloud
`;

/** A line a category: consumed services without a service of their own. */
const CONSUMED = `
Compute|microsoft.compute,microsoft.containerservice,microsoft.classiccompute,microsoft.serialconsole
Networking|microsoft.network,microsoft.classicnetwork,microsoft.virtual network
Databases|microsoft.dbforpostgressql,microsoft.sqlvirtualmachine
Storage|microsoft.storagesync,microsoft.classicstorage
Internet of Things|microsoft.mixedreality
Integration|microsoft.eventgrid,microsoft.servicelinker,microsoft.servicefabric
Migration|microsoft.offazure
Security|microsoft.security,microsoft.securityinsights,microsoft.managedidentity
Identity|microsoft.authorization,microsoft.guestconfiguration,microsoft.adhybridhealthservice
Developer Tools|microsoft.visualstudio,microsoft.devtestlab,microsoft.diagnostics,microsoft.resourcegraph
Management and Governance|microsoft.insights,microsoft.operationalinsights,microsoft.operationsmanagement,microsoft.changeanalysis,microsoft.costmanagement,microsoft.costmanagementexports,microsoft.policyinsights,microsoft.blueprint,microsoft.advisor,microsoft.alertsmanagement,microsoft.resourcehealth,microsoft.resourcenotifications,microsoft.recoveryservices
`;

const KINDS = new Map<string, ServiceKind>();
const BY_TYPE = new Map<string, string>();
const BY_CONSUMED = new Map<string, string>();

for (const line of SERVICES.trim().split('\n')) {
  const [name = '', subcategory = '', types = '', consumed = ''] = line.split('|');
  KINDS.set(name.toLowerCase(), { category: categoryOfSubcategory(subcategory), subcategory });
  for (const type of types.split(' ')) if (type !== '') BY_TYPE.set(type.replace(/_/g, ' '), name);
  for (const service of consumed.split(',')) if (service !== '') BY_CONSUMED.set(service, name);
}
for (const line of METER_CATEGORIES.trim().split('\n')) {
  const [subcategory = '', names = ''] = line.split('|');
  const kind = { category: categoryOfSubcategory(subcategory), subcategory };
  for (const name of names.split(','))
    if (!KINDS.has(name.toLowerCase())) KINDS.set(name.toLowerCase(), kind);
}
for (const line of CONSUMED.trim().split('\n')) {
  const [category = '', services = ''] = line.split('|');
  const kind = { category, subcategory: `Other (${category})` };
  for (const name of services.split(',')) if (!KINDS.has(name)) KINDS.set(name, kind);
}
