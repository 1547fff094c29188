/** Regions and kinds of resources that files leave out and their ids tell. */
import { all, derive, first, is, map, nothing, present, when } from '../expressions.ts';
import { AWS_REGION_NAMES } from '../tables/aws-regions.ts';
import { azureResourceTypeName } from '../tables/azure-resource-types.ts';
import { OCI_REGION_NAMES } from '../tables/oci-regions.ts';
import { resourceType as awsResourceType } from './aws-cur/resources.ts';
import { azureResourceType } from './azure-resource.ts';
import { missing } from './focus-costs.ts';
import type { Part, Section } from './focus-part.ts';
import { gcpResourceType } from './gcp-names.ts';
import { ociResourceType } from './oci-resource.ts';

const REGION_NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  aws: AWS_REGION_NAMES,
  oracle: OCI_REGION_NAMES,
};

/** Region and its name: OCI has the id only, in one of both; what has no name is called by its id. */
export function regions(part: Part): Section {
  if (!part.has('RegionId') && !part.has('RegionName')) return { columns: {}, repairs: [] };
  const name = part.text('RegionName');
  const idInName = all(is(part.family, 'oracle'), missing(part.text('RegionId')), present(name));
  const id = when(idInName, name, part.text('RegionId'));
  const stated = when(idInName, nothing, name);
  return {
    columns: {
      RegionId: id,
      RegionName: derive([stated, id, part.family], (said, region, family) =>
        region === undefined ? said : (said ?? REGION_NAMES[family ?? '']?.[region] ?? region),
      ),
    },
    repairs: [
      { code: 'region_id_from_region_name', where: idInName },
      { code: 'region_name_from_region_id', where: all(missing(name), present(id)) },
    ],
  };
}

/** What a resource is, where only its id says so. */
export function resourceTypes(part: Part): Section {
  if (!part.has('ResourceId')) return { columns: {}, repairs: [] };
  const stated = part.text('ResourceType');
  const told = map(part.text('ResourceId'), typeInId);
  return {
    columns: { ResourceType: first(stated, told) },
    repairs: [
      { code: 'resource_type_from_resource_id', where: all(missing(stated), present(told)) },
    ],
  };
}

/** The kind of resource in an ARN or a short id of EC2, a path of Azure, a full name of Google or an OCID; undefined when the id is none of these. */
function typeInId(id: string): string | undefined {
  if (id.startsWith('/')) return id.startsWith('//') ? gcpResourceType(id) : azureType(id);
  return id.startsWith('ocid') ? ociResourceType(id) : awsResourceType(id);
}

function azureType(id: string): string | undefined {
  const path = azureResourceType(id);
  return path === undefined ? undefined : (azureResourceTypeName(path) ?? path);
}
