import type { BlockList } from "node:net";
import { SHORTEST_WRITE_DEADLINE_MS, WRITE_DEADLINE_MS } from "@veil/keys";
import { handshakeName, linkHost, nodeVariables, realityKey, realityVariables, webhookVariables } from "@veil/settings";
import { commaList, durationMs, engineVariables, port, runtimeSettings, timeZone, wholeNumber } from "@veil/runtime";
import { fingerprintHint, fingerprints, linkAuthority } from "@veil/protocols";
import { DEFAULT_ENTRANCE } from "@veil/subscriptions";
import { z } from "zod";
import { addressList, type TrustedProxies } from "./http/allow-addresses.ts";
import type { ApiSecret } from "./http/bearer-auth.ts";
import { KEEP_ALIVE_S } from "./http/create-http-server.ts";
import type { OriginPolicy } from "./http/headers.ts";
import type { SubscriptionSettings } from "./subscriptions/ports.ts";
import { userAgentRules } from "./subscriptions/user-agent-rules.ts";

const SHORTEST_SECRET = 32;

/** Text that can stand in a header, so that a caller can send it. */
const secret = z
  .string()
  .min(SHORTEST_SECRET, `must have at least ${SHORTEST_SECRET} characters, each of several too`)
  .regex(/^[\x20-\x7e]*$/, "must consist of printable ASCII characters");

const NAMED = /^([A-Za-z][\w-]{0,31}):(.*)$/;

/**
 * `secret`, or `name:secret`. A caller may send either the bare secret or the whole entry, so that a secret that holds a
 * colon by chance stays what it was.
 */
const namedSecret = z.string().transform((entry, context): Omit<ApiSecret, "readOnly"> => {
  const [, name, bare] = NAMED.exec(entry) ?? [];
  const value = secret.safeParse(bare?.trim() ?? entry);
  const whole = secret.safeParse(entry);
  if (name !== undefined && value.success) return { name, tokens: [value.data, entry] };
  if (name === undefined && whole.success) return { name: null, tokens: [entry] };
  const { error } = name === undefined ? whole : value;
  context.addIssue(error?.issues[0]?.message ?? "must be a secret");
  return z.NEVER;
});

/** Where requests under `/api` may come from: addresses and CIDR ranges. A list of nothing must not mean everywhere. */
const addresses = commaList().transform((entries, context): BlockList | null => {
  const list = addressList(entries);
  if (list !== null && entries.length > 0) return list;
  context.addIssue("must be IP addresses or CIDR ranges like 10.0.0.0/8 separated by commas");
  return z.NEVER;
});

/** The proxies that are believed: how many there are, or where they stand. */
const proxies = z.string().transform((text, context): TrustedProxies => {
  if (/^\d{1,2}$/.test(text)) return Number(text) === 0 ? false : Number(text);
  const list = addressList(text.split(",").map((entry) => entry.trim()));
  if (list !== null) return list;
  context.addIssue("must be a number of proxies, or their IP addresses or CIDR ranges separated by commas");
  return z.NEVER;
});

const onOff = z.enum(["on", "off"], "must be on or off").transform((text) => text === "on");

const origins = z.string().transform((text, context): OriginPolicy => {
  if (text === "*") return "any";
  if (text === "off") return "off";
  const list = text.split(",").map((origin) => origin.trim());
  if (list.every(isOrigin)) return list;
  context.addIssue("must be *, off, or origins like https://admin.example.com separated by commas");
  return z.NEVER;
});

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

/** An address that paths are put behind. */
const webAddress = z
  .string()
  .refine(
    (text) => /^https?:\/\/[^?#]+$/.test(text) && URL.canParse(text),
    "must be a URL like https://sub.example.com",
  )
  .transform((text) => new URL(text).href.replace(/\/+$/, ""));

/** Where people find help. */
const contactUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && ["https:", "http:", "mailto:", "tg:"].includes(new URL(text).protocol),
    "must be a URL like https://t.me/support, or one of mailto: or tg:",
  );

const apiVariables = z.object({
  ...runtimeSettings({ metricsPort: 9100 }),
  ...nodeVariables,
  ...engineVariables,
  ...realityVariables,
  ...webhookVariables,
  /** Several, separated by commas, while one is rotated. */
  API_SECRET_KEY: commaList(namedSecret)
    .refine((secrets) => secrets.length > 0, "must hold at least one key")
    .meta({ secret: true, example: "<output of: openssl rand -hex 32>" }),
  /** Secrets with which callers may only read. */
  API_READONLY_KEY: commaList(namedSecret)
    .default([])
    .meta({ secret: true, example: "<output of: openssl rand -hex 32>" }),
  /** Requests per second that one secret may make, counted over all replicas; 0 for no limit. */
  RATE_LIMIT_PER_SECOND: wholeNumber({ max: 100_000 }).default(200).meta({ example: "200" }),
  /** Where requests under `/api` may come from; everywhere when it is not set. */
  ALLOWED_IPS: addresses.default(null).meta({ example: "203.0.113.0/24,2001:db8::/32" }),
  /** Whose `X-Forwarded-For` is believed; nobody's when it is not set. */
  TRUST_PROXY: proxies.default(false).meta({ example: "1" }),
  API_HOST: z.string().default("0.0.0.0").meta({ example: "0.0.0.0" }),
  API_PORT: port({ anyFree: true }).default(8_000).meta({ example: "8000" }),
  /** Seconds for which a connection without a request stays open: more than the balancer in front keeps it. */
  KEEP_ALIVE_SECONDS: wholeNumber({ min: 1, max: 3_600 })
    .default(KEEP_ALIVE_S)
    .meta({ example: String(KEEP_ALIVE_S) }),
  /** Web pages of which origins may read the answers. */
  CORS_ORIGINS: origins.default("any").meta({ example: "https://admin.example.com" }),
  /** Whether the documentation is served. */
  DOCS: onOff.default(true).meta({ example: "on" }),
  /** How long a caller waits for a create or a delete at most. In less, nobody could take over from a worker that dies. */
  WRITE_DEADLINE_MS: durationMs({ min: SHORTEST_WRITE_DEADLINE_MS, max: 60_000 })
    .default(WRITE_DEADLINE_MS)
    .meta({ example: String(WRITE_DEADLINE_MS) }),
  /** The beginning of subscription links; without it `http://`, DOMAIN and the port of subscriptions. */
  SUBSCRIPTION_URL: webAddress.optional().meta({ example: "https://sub.example.com" }),
  /** Where subscriptions are served, and nothing else; without it at API_PORT. */
  SUBSCRIPTION_PORT: port().optional().meta({ example: "8001" }),
  /** Of what subscriptions say to people; the page speaks the browser's language if it is one of them. */
  SUBSCRIPTION_LANGUAGE: z.enum(["ru", "en"], "must be ru or en").default("en").meta({ example: "en" }),
  /** The service's name in apps and on the page; without it apps call a subscription by its key's name. */
  SUBSCRIPTION_TITLE: z.string().max(100).optional().meta({ example: "My VPN" }),
  /** How often apps are asked to fetch a subscription anew. */
  SUBSCRIPTION_UPDATE_HOURS: wholeNumber({ min: 1, max: 720 }).default(12).meta({ example: "12" }),
  /** A message for everybody who has a subscription. */
  SUBSCRIPTION_ANNOUNCE: z.string().max(200).optional().meta({ example: "New servers in Finland" }),
  /** The apps that get each format, asked before the rules that every installation has. */
  SUBSCRIPTION_USER_AGENTS: userAgentRules.default([]).meta({ example: '[{"prefix":"Happ/","format":"xray"}]' }),
  /** Whether apps that don't name their device get the connections of keys with a limit of devices. */
  DEVICES_WITHOUT_ID: z
    .enum(["allow", "refuse"], "must be allow or refuse")
    .default("allow")
    .meta({ example: "allow" }),
  SUPPORT_URL: contactUrl.optional().meta({ example: "https://t.me/support" }),
  /** The IANA time zone of dates on the page. */
  TIMEZONE: timeZone().default("UTC").meta({ example: "Europe/Berlin" }),
  /** The host that clients dial; without it there are no share links. */
  DOMAIN: linkHost().optional().meta({ example: "vpn.example.com" }),
  REALITY_PORT: port().default(443).meta({ example: "443" }),
  REALITY_SNI: handshakeName().optional().meta({ example: "microsoft.com" }),
  REALITY_SERVER_NAME: handshakeName().default("microsoft.com").meta({ example: "microsoft.com" }),
  REALITY_FINGERPRINT: z
    .string()
    .toLowerCase()
    .pipe(z.enum(fingerprints, fingerprintHint))
    .default("chrome")
    .meta({ example: "chrome" }),
  /** Whether the link of a key without a flow says so in the first contract's words, which no Xray client takes. */
  LINK_FLOW_NONE: z.enum(["omit", "write"], "must be omit or write").default("omit").meta({ example: "omit" }),
  REALITY_PUBLIC_KEY: realityKey().optional().meta({ example: "Z84J2IelR9ch3k8VtlVhhs5ycBUlXA7wHBWcBrjqnAw" }),
});

/** The API's variables; see the README's settings table. */
export const apiSettings = apiVariables.superRefine(({ API_PORT, SUBSCRIPTION_PORT }, context) => {
  if (SUBSCRIPTION_PORT !== API_PORT) return;
  context.addIssue({ code: "custom", path: ["SUBSCRIPTION_PORT"], message: "must be another port than API_PORT" });
});

export type ApiSettings = z.infer<typeof apiSettings>;

/** The address before `/sub`, without a slash at its end. */
export function subscriptionUrl(settings: ApiSettings): string {
  const { SUBSCRIPTION_URL, DOMAIN = "localhost", API_PORT, SUBSCRIPTION_PORT = API_PORT } = settings;
  return SUBSCRIPTION_URL ?? `http://${linkAuthority(DOMAIN, SUBSCRIPTION_PORT)}`;
}

/** How subscriptions look. */
export function subscriptionSettings(settings: ApiSettings): SubscriptionSettings {
  return {
    language: settings.SUBSCRIPTION_LANGUAGE,
    noFlow: settings.LINK_FLOW_NONE,
    entrance: DEFAULT_ENTRANCE,
    title: settings.SUBSCRIPTION_TITLE ?? null,
    updateIntervalHours: settings.SUBSCRIPTION_UPDATE_HOURS,
    supportUrl: settings.SUPPORT_URL ?? null,
    pageUrl: null,
    announce: settings.SUBSCRIPTION_ANNOUNCE ?? null,
    userAgentRules: settings.SUBSCRIPTION_USER_AGENTS,
    timeZone: settings.TIMEZONE,
  };
}

/** The settings that are read anew while the API runs. */
export const apiSecretSettings = apiVariables.pick({ API_SECRET_KEY: true, API_READONLY_KEY: true });

/** All secrets that the settings name. */
export function apiSecrets({ API_SECRET_KEY, API_READONLY_KEY }: z.infer<typeof apiSecretSettings>): ApiSecret[] {
  return [
    ...API_SECRET_KEY.map((one) => ({ ...one, readOnly: false })),
    ...API_READONLY_KEY.map((one) => ({ ...one, readOnly: true })),
  ];
}
