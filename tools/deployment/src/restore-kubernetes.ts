import { type BackedUpSecrets, type Command, runCommand, SECRET_NAMES, type SecretPlace } from "@veil/backup";
import { z } from "zod";
import type { KubernetesApi } from "@veil/kubernetes";
import { KubernetesSecrets } from "./kubernetes-secrets.ts";

type Api = Pick<KubernetesApi, "call">;

const SECRET = "veil-secrets";
const SERVICES = ["api", "xray-worker", "stats-collector"] as const;
const deployment = z.object({ status: z.object({ replicas: z.number().default(0) }).default({ replicas: 0 }) });

/**
 * Fills the system of a namespace from a backup while none of its services runs.
 *
 * @returns the exit code
 * @throws {KubernetesApiError}
 */
export async function restoreKubernetes(
  command: Extract<Command, { action: "restore" }>,
  uri: string,
  api: Api,
  say: (line: string) => void,
): Promise<number> {
  const running = await runningServices(api);
  if (running.length === 0) return runCommand(command, { uri, secrets: await secretPlace(api) }, say);
  say(`Nothing was restored: first kubectl scale deployment ${running.join(" ")} --replicas=0`);
  return 1;
}

async function runningServices(api: Api): Promise<string[]> {
  const running: string[] = [];
  for (const name of SERVICES) {
    const found = await api.call("GET", "apis/apps/v1", `deployments/${name}`, { unless: [404] });
    if (found !== null && deployment.parse(found).status.replicas > 0) running.push(name);
  }
  return running;
}

/** The Secret from which all others are made, or null where they come from elsewhere. */
async function secretPlace(api: Api): Promise<SecretPlace | null> {
  const secrets = new KubernetesSecrets(api);
  const kept = await secrets.read(SECRET);
  if (kept === undefined) return null;
  return {
    name: `the Secret ${SECRET}`,
    bySetting: [],
    read: async () => Object.fromEntries(SECRET_NAMES.flatMap((name) => (kept[name] ? [[name, kept[name]]] : []))),
    write: async (restored: BackedUpSecrets) => secrets.add(SECRET, restored),
  };
}
