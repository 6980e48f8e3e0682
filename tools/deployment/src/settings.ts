import { booleanFlag, commaList, port, settingMetadata } from "@veil/runtime";
import { blockedDestination, UDP_POLICIES } from "@veil/xray-config";
import { z } from "zod";

const host = z.string().regex(/^[^\s/:@?#]+$/, "must be a host name or an address without a port");

/** The settings of a deployment's preparation. Missing ones are made, or kept from the preparation before. */
export const deploymentSettings = z.object({
  /** Directory that keeps the secrets; each consumer gets its own below `VEIL_HANDOUT_DIR`. */
  VEIL_SECRETS_DIR: z.string().default("/secrets").meta({ example: "/secrets" }),
  /** Directory with one directory for each consumer. */
  VEIL_HANDOUT_DIR: z.string().default("/handout").meta({ example: "/handout" }),

  API_SECRET_KEY: z
    .string()
    .min(32, "must have at least 32 characters")
    .optional()
    .meta({ secret: true, example: "<output of: openssl rand -hex 32>" }),
  /** For the API, as it is set; not kept. */
  API_READONLY_KEY: z.string().optional().meta({ secret: true, example: "<output of: openssl rand -hex 32>" }),
  /** For the collector, as it is set; not kept. */
  ADMIN_PASSWORD: z.string().optional().meta({ secret: true, example: "<output of: openssl rand -hex 16>" }),
  REALITY_PRIVATE_KEY: z
    .string()
    .regex(/^[\w-]{42}[AEIMQUYcgkosw048]$/, "must be 32 bytes in base64url, 43 characters without padding")
    .optional()
    .meta({ secret: true, example: "the PrivateKey of `xray x25519`" }),

  /** With which the API seals secrets of webhooks and the worker opens them. */
  WEBHOOK_SECRET_KEY: z
    .string()
    .min(32, "must have at least 32 characters")
    .optional()
    .meta({ secret: true, example: "<output of: openssl rand -hex 32>" }),

  REALITY_SNI: host.optional().meta({ example: "microsoft.com" }),
  REALITY_SERVER_NAME: host.default("microsoft.com").meta({ example: "microsoft.com" }),
  REALITY_DEST: z
    .string()
    .regex(/^(?:\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, "must be host:port")
    .optional()
    .meta({ example: "microsoft.com:443" }),
  REALITY_COMMON_SHORT_ID: z
    .string()
    .regex(/^[0-9a-f]{8}$/, "must be 8 hexadecimal digits in lower case")
    .default("7bb45050")
    .meta({ example: "7bb45050" }),
  XRAY_INBOUND_TAG: z.string().default("vless-in").meta({ example: "vless-in" }),
  XRAY_API_PORT: port().default(10_085).meta({ example: "10085" }),
  /** Where Xray takes VPN clients inside its container, whatever port they dial. */
  XRAY_INBOUND_PORT: port().default(4_443).meta({ example: "4443" }),
  XRAY_ALLOW_PRIVATE: booleanFlag().default(false),
  /** Whether UDP leaves the tunnel: `open` needs a guard below Xray. */
  XRAY_UDP: z.enum(UDP_POLICIES, "must be block or open").default("block").meta({ example: "block" }),
  /** Further networks that nobody reaches through the tunnel, such as the public addresses of this host. */
  XRAY_BLOCKED: commaList(blockedDestination).default([]).meta({ example: "203.0.113.7/32" }),

  /** `host:port` of MongoDB and of Redis, as the services reach them. */
  MONGODB_ADDRESS: z.string().default("mongodb:27017").meta({ example: "mongodb:27017" }),
  REDIS_ADDRESS: z.string().default("redis:6379").meta({ example: "redis:6379" }),
  /** Memory that Redis may take before it refuses writes: less than its container has, for it needs some beside its data. */
  REDIS_MAXMEMORY: z
    .string()
    .regex(/^[1-9]\d*[mg]b$/, "must be an amount of memory like 384mb or 2gb")
    .default("384mb")
    .meta({ example: "384mb" }),
});

export type DeploymentSettings = z.output<typeof deploymentSettings>;

/** The secrets that came with the settings: in a cluster these are a ConfigMap, which is no place for them. */
export function secretsAmong(settings: DeploymentSettings): string[] {
  const given: Readonly<Record<string, unknown>> = settings;
  return Object.entries(deploymentSettings.shape)
    .filter(([name, schema]) => given[name] !== undefined && settingMetadata(schema).secret)
    .map(([name]) => name);
}
