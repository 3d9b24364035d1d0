import type { ProviderConfig } from "#config/providers.ts";

/** Parts of an address that mark an Azure deployment of the API. */
const AZURE_MARKERS = [
  "openai.azure.",
  "cognitiveservices.azure.",
  "aoai.azure.",
  "azure-api.",
  "azurefd.",
  "windows.net/openai",
];

/** Whether the provider is Azure: it needs `store: true` and the ids of earlier items (as Codex CLI does). */
export function isAzure(provider: Pick<ProviderConfig, "name" | "baseUrl">): boolean {
  if (provider.name.toLowerCase() === "azure") return true;
  const address = provider.baseUrl?.toLowerCase() ?? "";
  return AZURE_MARKERS.some((marker) => address.includes(marker));
}
