/** What an Azure resource id says. */

/** The type path: `microsoft.sql/servers/databases` of `…/providers/Microsoft.Sql/servers/s/databases/d`; undefined when the id names none. */
export function azureResourceType(resourceId: string): string | undefined {
  const segments = pathOf(resourceId);
  const provider = segments.lastIndexOf('providers');
  if (provider >= 0) {
    const namespace = segments[provider + 1];
    const types = segments.slice(provider + 2).filter((_, i) => i % 2 === 0);
    return namespace === undefined || types.length === 0
      ? undefined
      : [namespace, ...types].join('/');
  }
  return CONTAINERS[segments.at(-2) ?? ''];
}

/** The last name in the id. */
export function azureResourceName(resourceId: string): string | undefined {
  return resourceId.split('/').filter(Boolean).at(-1);
}

/** The subscription in the id. */
export function azureSubscription(resourceId: string): string | undefined {
  return /^\/?subscriptions\/([^/]+)/i.exec(resourceId)?.[1];
}

/** Resources that stand in no provider. */
const CONTAINERS: Readonly<Record<string, string>> = {
  subscriptions: 'microsoft.resources/subscriptions',
  resourcegroups: 'microsoft.resources/subscriptions/resourcegroups',
};

function pathOf(resourceId: string): readonly string[] {
  return resourceId.toLowerCase().split('/').filter(Boolean);
}
