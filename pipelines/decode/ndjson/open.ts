export async function openNdjson(): Promise<any> {}
