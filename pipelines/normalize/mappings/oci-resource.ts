/** The kind of resource in an OCID (`ocid1.instance.oc1…` is an `instance`); undefined when the id is none. */
export function ociResourceType(id: string): string | undefined {
  return /^ocid\d+\.([a-z0-9]+)\./.exec(id)?.[1];
}
