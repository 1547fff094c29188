/**
 * Azure locations under all the names they go by in bills.
 * Facts: `Regions.csv` of the FinOps toolkit's open data (github microsoft/finops-toolkit, MIT, Copyright (c) Microsoft Corporation), rearranged.
 */

/** An Azure region. */
export interface AzureRegion {
  readonly id: string;
  readonly name: string;
}

/** The region a bill means by `location` (any case, any of its names); a location that is not known is its own name. */
export function azureRegion(location: string): AzureRegion {
  const key = location.trim().toLowerCase();
  const compact = key.replace(/\s+/g, '');
  return REGIONS.get(key) ?? REGIONS.get(compact) ?? { id: compact, name: location.trim() };
}

/** A line a region: id, name, other spellings. */
const LINES = `
asiapacific|Asia Pacific|
australia|Australia|
australiacentral|Australia Central|au central,aucentral,australiac,cbr
australiacentral2|Australia Central 2|au central 2,aucentral2,australiac2,canberra2,cbr2
australiaeast|Australia East|au east,aue,aueast,australia east,australia_east,eau,sy,syd,sydney
australiasoutheast|Australia Southeast|au southeast,ausoutheast,australia southeast,melbourne,ml,seau
austriaeast|Austria East|at east,ate,austriae
azurestack|Azure Stack|azure stack
belgiumcentral|Belgium Central|be central,bec,belgiumc
brazilsouth|Brazil South|br south,brazil south,brsouth,bso,cq,sao paulo,saopaulo,sbr
brazilsoutheast|Brazil Southeast|br southeast,brazilse,brse
canadacentral|Canada Central|ca central,cac,cacentral,canada central,canandacentral,cc,centralcanada,toronto,yt
canadaeast|Canada East|ca east,cae,caeast,canada east,eastcanada,montreal,quebeccity,yq
centralindia|Central India|central india,in central,inc,incentral,indiacentral,pn
centralus|Central US|central us,cu,cus,dm,us central,uscentral
centraluseuap|Central US EUAP|
chilecentral|Chile Central|chilec,cl central,clc
chinaeast|China East|cn east,sh
chinaeast2|China East 2|chinae2,cn east 2,sha
chinaeast3|China East 3|chinae3,cn east 3,cne3
chinanorth|China North|bj,chnorth,cn north
chinanorth2|China North 2|bjs,chinan2,cn north 2
chinanorth3|China North 3|chinan3,cn north 3,cnn3
denmarkeast|Denmark East|denmark east,denmarke,dke
eastasia|East Asia|ap east,apeast,ase,asiaeast,ea,eas,east asia,east_asia,hk,hkg,hong kong,hongkong
eastus|East US|bl,east us,eu,eus,us east,us_east,useast
eastus2|East US 2|bn,east us 2,eastsu2,eu2,eus2,us east 2,us2,useast2
eastus2euap|East US 2 EUAP|
eastus3|East US 3|us east 3
finlandcentral|Finland Central|fi central,finlandc,flc
francecentral|France Central|fr central,france central,francec,frc,frcentral,par,paris
francesouth|France South|fr south,frances,frsouth,mrs
germanycentral|Germany Central|de central,decentral,fr
germanynorth|Germany North|de north,den,germanyn
germanynortheast|Germany NorthEast|de northeast,lg
germanywestcentral|Germany West Central|de west central,dewc,dewestcentral,dwc,germany west central,germanywc,germanywcentral
global|Global|unassigned
greececentral|Greece Central|gr central
indiasouthcentral|India South Central|in south central,indiasc,insc
indonesiacentral|Indonesia Central|id central,idc,indonesiac
israelcentral|Israel Central|il central,ilc,israelc
italynorth|Italy North|it north,italyn,itn
japan|Japan|
japaneast|Japan East|eastjapan,ja east,jaeast,japan east,japan_east,jpe,tokyo,ty
japanwest|Japan West|ja west,japan west,jawest,jpw,os,osaka
jioindiacentral|Jio India Central|in central jio,jinc,jioinc
jioindiawest|Jio India West|in west jio,jinw,jioinw
koreacentral|Korea Central|korea central,kr central,krc,krcentral,se
koreasouth|Korea South|korea south,kr south,krs,krsouth,ps
malaysiasouth|Malaysia South|
malaysiawest|Malaysia West|malaysiaw,my west,myw
mexicocentral|Mexico Central|mexicoc,mx central,mxc
newzealandnorth|New Zealand North|newzealandn,nz north,nzn
northcentralus|North Central US|ch,chicago,ncus,north central us,us north central,usnorth,usnorthcentral
northeurope|North Europe|db,dublin,eu north,eunorth,europenorth,ne,neu,north europe,north_europe
norwayeast|Norway East|no east,noe,noeast,norwaye
norwaywest|Norway West|no west,norwayw,now
polandcentral|Poland Central|pl central,plc,polandc
qatarcentral|Qatar Central|qa central,qac,qatarc,qatarentral
saudiarabiaeast|Saudi Arabia East|sa east
singaporecentral|Singapore Central|singapore central,singaporec,singc
southafricanorth|South Africa North|jnb,johannesburg,san,sanorth,southafrican,za north,zanorth
southafricawest|South Africa West|cpt,sawest,southafricaw,za west,zawest
southcentralus|South Central US|sanantonio,scus,sn,south central us,us south central,ussouth,ussouthcentral
southcentralus2|South Central US 2|
southcentralusstg|South Central US STG|usstagesc,ustsc
southeastasia|Southeast Asia|ap southeast,apsoutheast,asiasoutheast,sea,seas,sg,singapore,south east asia,southeast asia,southeast_asia,southsoutheastasia
southeastus|Southeast US|
southindia|South India|in south,indiasouth,ins,insouth,ma,sin,south india
spaincentral|Spain Central|es central,esc,spainc
swedencentral|Sweden Central|se central,sec,sweden central,swedenc
swedensouth|Sweden South|se south,ses,swedens
switzerlandnorth|Switzerland North|ch north,chn,switzerlandn
switzerlandwest|Switzerland West|ch west,chw,switzerlandw
taiwannorth|Taiwan North|taiwann,tw north,twn
taiwannorthwest|Taiwan Northwest|
uaecentral|UAE Central|ae central,auh,uaec
uaenorth|UAE North|ae north,aen,aenorth,dubai,dxb,uaen
uknorth|UK North|mm,uk north
uksouth|UK South|gbs,ln,london,uk south,uks,unitedkingdomsouth,unitedkingdomsouth2
uksouth2|UK South 2|lo,uk south 2
ukwest|UK West|cw,uk west,ukw
unitedstates|United States|
usdodcentral|USDoD Central|dd,us dod central
usdodeast|USDoD East|bd,us dod east
useast2euap|US East 2 EUAP|
usgovarizona|USGov Arizona|phx,us gov az,usa,usgov arizona,usgovaz,usgovsouthwest,usgovsw,ussgovarizona
usgoviowa|USGov Iowa|us gov iowa,usgov iowa,usgovcentral
usgovtexas|USGov Texas|us gov tx,usgov south central,usgov texas,usgovsc,usgovsouthcentral,usgovtx
usgovvirginia|USGov Virginia|us gov virginia,usgov virginia,usgoveast,usv
usgovwyoming|USGov Wyoming|usgovwc
usseceast|USSec East|us sec east,usse,ussece
ussecwest|USSec West|us sec west,ussecw,ussw
ussecwestcentral|USSec West Central|us sec west central,ussecwc,usswc
ussouthcentral|US South Central|dallas
westcentralus|West Central US|cy,us west central,uswestcentral,wcu,wcus,west central us
westeurope|West Europe|am,am2,amsterdam,eu west,europe,europewest,euwest,we,west europe,west_europe,weu
westindia|West India|bm,in west,indiawest,inw,inwest,mumbai,mumbai2,west india
westus|West US|by,silicon valley,siliconvalley,us west,us_west,uswest,west us,wu,wus
westus2|West US 2|mwh,seattle,us west 2,uswest2,west us 2,wu2,wus2
westus3|West US 3|us west 3,usw3,uswest3,wus3
`;

const REGIONS: ReadonlyMap<string, AzureRegion> = parse(LINES);

function parse(lines: string): Map<string, AzureRegion> {
  const regions = new Map<string, AzureRegion>();
  for (const line of lines.trim().split('\n')) {
    const [id = '', name = '', others = ''] = line.split('|');
    const region = { id, name };
    for (const spelling of [id, ...others.split(',')])
      if (spelling !== '' && !regions.has(spelling)) regions.set(spelling, region);
  }
  return regions;
}
