export interface BannerFacts {
  /** Base URL of the API. */
  url: string;
  apiKeyFile: string;
  metrics: ReadonlyArray<{ service: string; url: string }>;
  /** The file in which Prometheus finds the services. */
  prometheusTargetsFile: string;
  logDirectory: string;
  /** Whether the API serves its documentation. */
  hasDocs: boolean;
  secondsToReady: number;
}

/** The text on the terminal when everything works. The key itself stays in its file. */
export function banner(facts: BannerFacts): string {
  const { url, apiKeyFile, metrics, prometheusTargetsFile, logDirectory, hasDocs, secondsToReady } = facts;
  return [
    "",
    `Ready after ${secondsToReady.toFixed(1)} s.`,
    "",
    `  API        ${url}`,
    `  API key    in the file ${apiKeyFile}`,
    ...(hasDocs ? [`  Docs       ${url}/docs`] : []),
    ...metrics.map((one, index) => `  ${index === 0 ? "Metrics" : "       "}    ${one.url}  (${one.service})`),
    `  Targets    ${prometheusTargetsFile}  (for Prometheus)`,
    `  Logs       ${logDirectory}`,
    "",
    "Create a key:",
    "",
    `  curl -sS -X POST ${url}/api/keys -H "Authorization: Bearer $(cat ${shellQuoted(apiKeyFile)})" -H "Content-Type: application/json" -d '{"name":"first key"}'`,
    "",
    "Stop with Ctrl-C.",
    "",
  ].join("\n");
}

function shellQuoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
