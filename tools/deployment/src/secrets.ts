import { randomBytes } from "node:crypto";
import { makeRealityKeys, realityPublicKey } from "@veil/xray-config";
import type { DeploymentSettings } from "./settings.ts";

/** Passwords that nobody types: 32 random bytes that need no escape in a URL, a file or a shell. */
const passwordNames = [
  "redis-password",
  "mongodb-root-password",
  "mongodb-api-password",
  "mongodb-xray-worker-password",
  "mongodb-stats-collector-password",
  "grafana-admin-password",
] as const;

export const secretNames = ["api-secret-key", "reality-private-key", "webhook-secret-key", ...passwordNames] as const;
export type SecretName = (typeof secretNames)[number];

/** What `setup show` prints: the public key is no secret, but links to this Xray need it where another system makes them. */
export const shownNames = [...secretNames, "reality-public-key"] as const;
export type ShownName = (typeof shownNames)[number];

/** @returns undefined for what is not there yet */
export function shownValue(kept: KeptSecrets, name: ShownName): string | undefined {
  if (name !== "reality-public-key") return kept[name];
  const privateKey = kept["reality-private-key"];
  return privateKey === undefined ? undefined : realityPublicKey(privateKey);
}

/** Secrets that a deployment may go without: an operator puts them beside the others, and none is ever made. */
export const optionalSecretNames = ["api-readonly-key", "admin-password"] as const;
export type OptionalSecretName = (typeof optionalSecretNames)[number];

/** The content of a store: some of the secrets, none of them empty. */
export type KeptSecrets = Readonly<Partial<Record<SecretName | OptionalSecretName, string>>>;

/**
 * Everything that a deployment must not lose: with other Reality keys, no link that was handed out works any more, and with
 * another key of webhooks no event can be signed.
 */
export type Secrets = Readonly<Record<SecretName, string>> & KeptSecrets;

/** Those of the secrets that a store does not have so. */
export type ChangedSecrets = Readonly<Record<string, string>>;

/** Where secrets are kept between two preparations. */
export interface SecretStore {
  /** For the log: where an operator finds them. */
  readonly place: string;
  read(): Promise<KeptSecrets>;
  /** Keeps these beside all else that is there; a reader sees an old one or the new one. */
  write(secrets: ChangedSecrets): Promise<void>;
}

/** The secrets of the settings, else those that are kept, else new ones. */
export async function ensureSecrets(
  store: SecretStore,
  settings: Pick<DeploymentSettings, "API_SECRET_KEY" | "REALITY_PRIVATE_KEY" | "WEBHOOK_SECRET_KEY">,
): Promise<{ readonly secrets: Secrets; readonly made: readonly SecretName[] }> {
  const kept = await store.read();
  const made: SecretName[] = [];
  const choose = (name: SecretName, make: () => string, given?: string): string => {
    const known = given ?? kept[name];
    if (known !== undefined) return known;
    made.push(name);
    return make();
  };
  const password = (name: SecretName, given?: string) =>
    choose(name, () => randomBytes(32).toString("base64url"), given);
  const optional = optionalSecretNames.filter((name) => kept[name] !== undefined);
  const secrets: Secrets = {
    ...Object.fromEntries(optional.map((name) => [name, kept[name]])),
    "api-secret-key": choose("api-secret-key", () => randomBytes(36).toString("base64url"), settings.API_SECRET_KEY),
    "reality-private-key": choose(
      "reality-private-key",
      () => makeRealityKeys().privateKey,
      settings.REALITY_PRIVATE_KEY,
    ),
    "webhook-secret-key": password("webhook-secret-key", settings.WEBHOOK_SECRET_KEY),
    "redis-password": password("redis-password"),
    "mongodb-root-password": password("mongodb-root-password"),
    "mongodb-api-password": password("mongodb-api-password"),
    "mongodb-xray-worker-password": password("mongodb-xray-worker-password"),
    "mongodb-stats-collector-password": password("mongodb-stats-collector-password"),
    "grafana-admin-password": password("grafana-admin-password"),
  };
  // A key that is none would give a config that Xray refuses.
  realityPublicKey(secrets["reality-private-key"]);
  const changed = secretNames.filter((name) => secrets[name] !== kept[name]);
  if (changed.length > 0) await store.write(Object.fromEntries(changed.map((name) => [name, secrets[name]])));
  return { secrets, made };
}
