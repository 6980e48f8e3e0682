import { blockedDestination, realityPublicKey, UDP_POLICIES } from "@veil/xray-config";
import { booleanFlag, commaList, port, url } from "@veil/runtime";
import { z } from "zod";

const MIN_SECRET_LENGTH = 32;

const hostAndPort = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, "must be host:port")
  .meta({ example: "microsoft.com:443" });

/** The last of 43 characters carries four bits alone. */
const realityKey = z
  .string()
  .regex(/^[\w-]{42}[AEIMQUYcgkosw048]$/, "must be 32 bytes in base64url, 43 characters without padding");

const isRealityKey = (text: string) => realityKey.safeParse(text).success;

const apiSecretKey = z
  .string()
  .refine(
    (keys) => keys.split(",").every((key) => secretOf(key).length >= MIN_SECRET_LENGTH),
    `must have at least ${MIN_SECRET_LENGTH} characters in every key`,
  )
  .meta({ secret: true, example: "$(openssl rand -base64 48)" });

/** The variables that the local stack itself reads; all others go on to the services as they are. */
export const stackSettings = z
  .object({
    VEIL_DATA_DIR: z.string().default(".veil").meta({ example: ".veil" }),
    API_HOST: z.string().default("127.0.0.1").meta({ example: "0.0.0.0" }),
    API_PORT: port().default(8_000).meta({ example: "8000" }),
    API_SECRET_KEY: apiSecretKey.optional(),
    DOCS: z.enum(["on", "off"], "must be on or off").default("on").meta({ example: "on" }),
    METRICS_HOST: z.string().default("127.0.0.1").meta({ example: "127.0.0.1" }),

    REDIS_URL: url(["redis", "rediss"]).optional().meta({ example: "redis://127.0.0.1:6379" }),
    MONGODB_URI: url(["mongodb", "mongodb+srv"]).optional().meta({ example: "mongodb://127.0.0.1:27017/veil" }),
    XRAY_API_HOST: z.string().optional().meta({ example: "127.0.0.1" }),
    XRAY_API_PORT: port().default(10_085).meta({ example: "10085" }),
    XRAY_NODES: z.string().optional(),
    XRAY_INBOUND_TAG: z.string().default("vless-in").meta({ example: "vless-in" }),
    XRAY_ALLOW_PRIVATE: booleanFlag().default(false),
    /** Further networks that nobody reaches through the tunnel, beside private ones and the machine's own addresses. */
    XRAY_BLOCKED: commaList(blockedDestination).default([]).meta({ example: "203.0.113.0/24" }),
    XRAY_UDP: z.enum(UDP_POLICIES, "must be block or open").default("block").meta({ example: "block" }),

    DOMAIN: z.string().default("127.0.0.1").meta({ example: "vpn.example.com" }),
    REALITY_SERVER_NAME: z.string().default("microsoft.com").meta({ example: "microsoft.com" }),
    REALITY_SNI: z.string().optional().meta({ example: "microsoft.com" }),
    REALITY_DEST: hostAndPort.optional(),
    REALITY_PORT: port().optional().meta({ example: "443" }),
    REALITY_PRIVATE_KEY: realityKey.optional().meta({ secret: true, example: "the PrivateKey of `xray x25519`" }),
    REALITY_PUBLIC_KEY: realityKey.optional().meta({ example: "the PublicKey of `xray x25519`" }),
    REALITY_COMMON_SHORT_ID: z
      .string()
      .regex(/^[0-9a-f]{8}$/, "must be 8 hexadecimal digits in lower case")
      .default("7bb45050")
      .meta({ example: "7bb45050" }),
    REALITY_FLOW: z
      .enum(["none", "xtls-rprx-vision"], "must be none or xtls-rprx-vision")
      .default("none")
      .meta({ example: "none" }),
  })
  .superRefine((settings, context) => {
    const { REALITY_PRIVATE_KEY, REALITY_PUBLIC_KEY } = settings;
    const isOurXray = settings.XRAY_API_HOST === undefined && settings.XRAY_NODES === undefined;
    if (!isOurXray || REALITY_PUBLIC_KEY === undefined) return;
    const areWellFormed = [REALITY_PUBLIC_KEY, REALITY_PRIVATE_KEY ?? REALITY_PUBLIC_KEY].every(isRealityKey);
    if (!areWellFormed) return;
    if (REALITY_PRIVATE_KEY === undefined || realityPublicKey(REALITY_PRIVATE_KEY) !== REALITY_PUBLIC_KEY) {
      context.addIssue({
        code: "custom",
        path: ["REALITY_PUBLIC_KEY"],
        message: "must belong to REALITY_PRIVATE_KEY; leave both out and a pair is made",
      });
    }
  });

export type StackSettings = z.infer<typeof stackSettings>;

/** The bare key of one entry of API_SECRET_KEY, which may be named: "bot:KEY". */
export function secretOf(entry: string): string {
  return entry.slice(entry.indexOf(":") + 1).trim();
}
