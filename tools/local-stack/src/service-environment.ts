import type { ServiceName } from "@veil/engines";
import type { StackSettings } from "./settings.ts";

/** Where everything turned out to be. */
export interface Addresses {
  redisUrl: string;
  mongodbUri: string;
  /** Absent when the settings name the nodes. */
  xray?: { apiPort: number; realityPort: number; realityPublicKey: string } | undefined;
}

export interface ServiceEnvironmentOptions {
  /** The environment of the stack with its `.env`. */
  env: NodeJS.ProcessEnv;
  settings: StackSettings;
  addresses: Addresses;
  metricsPort: number;
  apiKeyFile: string;
  webhookKeyFile: string;
}

/** The stack stops within 15 s, so the services have less than their own default. */
const SHUTDOWN_DEADLINE_MS = "4000";

/** The environment of one service: the user's own, with what the stack has decided. */
export function serviceEnvironment(service: ServiceName, options: ServiceEnvironmentOptions): NodeJS.ProcessEnv {
  const { env, settings, addresses, metricsPort } = options;
  const decided: NodeJS.ProcessEnv = {
    REDIS_URL: addresses.redisUrl,
    MONGODB_URI: addresses.mongodbUri,
    ...xrayVariables(settings, addresses),
    METRICS_HOST: settings.METRICS_HOST,
    METRICS_PORT: String(metricsPort),
    ...(service === "api" && apiVariables(options)),
    ...(service !== "stats-collector" && webhookVariables(options)),
  };
  const defaults = { NODE_ENV: "production", SHUTDOWN_DEADLINE_MS };
  const ofOthers = Object.keys(SECRETS).filter((name) => SECRETS[name]?.includes(service) !== true);
  return { ...defaults, ...without(env, [...Object.keys(decided), ...ofOthers]), ...decided };
}

/** Which services read a secret of the user's environment. The private key is Xray's alone. */
const SECRETS: Readonly<Record<string, readonly ServiceName[]>> = {
  ADMIN_PASSWORD: ["stats-collector"],
  API_READONLY_KEY: ["api"],
  API_SECRET_KEY: ["api"],
  REALITY_PRIVATE_KEY: [],
  WEBHOOK_SECRET_KEY: ["api", "xray-worker"],
};

/** A variable goes together with its form that names a file, for both at once are an error. */
function without(env: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  const dropped = new Set(names.flatMap((name) => [name, `${name}_FILE`]));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !dropped.has(name)));
}

function xrayVariables(settings: StackSettings, { xray }: Addresses): NodeJS.ProcessEnv {
  if (!xray) return {};
  return {
    XRAY_API_HOST: "127.0.0.1",
    XRAY_API_PORT: String(xray.apiPort),
    XRAY_INBOUND_TAG: settings.XRAY_INBOUND_TAG,
    DOMAIN: settings.DOMAIN,
    REALITY_SNI: settings.REALITY_SNI ?? settings.REALITY_SERVER_NAME,
    REALITY_PORT: String(xray.realityPort),
    REALITY_PUBLIC_KEY: xray.realityPublicKey,
    REALITY_COMMON_SHORT_ID: settings.REALITY_COMMON_SHORT_ID,
    REALITY_FLOW: settings.REALITY_FLOW,
  };
}

/** The user's own key of webhooks, else the one that is kept. */
function webhookVariables({ env, webhookKeyFile }: ServiceEnvironmentOptions): NodeJS.ProcessEnv {
  const { WEBHOOK_SECRET_KEY: key, WEBHOOK_SECRET_KEY_FILE: file } = env;
  if (key !== undefined && key !== "") return { WEBHOOK_SECRET_KEY: key };
  return { WEBHOOK_SECRET_KEY_FILE: file !== undefined && file !== "" ? file : webhookKeyFile };
}

function apiVariables({ settings, apiKeyFile }: ServiceEnvironmentOptions): NodeJS.ProcessEnv {
  return {
    API_HOST: settings.API_HOST,
    API_PORT: String(settings.API_PORT),
    ...(settings.API_SECRET_KEY === undefined
      ? { API_SECRET_KEY_FILE: apiKeyFile }
      : { API_SECRET_KEY: settings.API_SECRET_KEY }),
  };
}
