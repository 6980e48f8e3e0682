/** The text in place of a secret. */
export const REDACTED = "[redacted]";

/** Links that a client imports: who reads one can use the key. */
const SHARE_LINK = /\b(vless|vmess|trojan|ss|ssr|hysteria2?|hy2|tuic|wireguard):\/\/[^\s"'<>]+/gi;

/**
 * `user:password@` of a URL. Greedy: an unencoded `@`, `/` or `"` in a password must not save its tail; only a quote
 * that ends a value of JSON ends the URL.
 */
const URL_CREDENTIALS = /:\/\/(?:[^\s"<>/@:]*:(?:[^\s"<>]|"(?![,:}\]]))*|[^\s"<>/@]*)@/g;

const BEARER = /\b(bearer|basic)\s+[\w.~+/=-]+/gi;

const PEM_PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** The UUID of a key is what its holder logs in with, and paths of the API may carry it. */
const KEY_PATH = /(\/keys\/)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

/** The address of a subscription is its secret; the pattern of such addresses is none. */
const SUBSCRIPTION_PATH = /(\/sub\/+)(?![{:])[^\s"'<>/?#\\]+/gi;

/** The end of such an address, wherever else it may stand: as long as a token is, and nothing else that is logged. */
const SUBSCRIPTION_TOKEN = /(?<![0-9A-Za-z])[0-9A-Za-z]{33}(?![0-9A-Za-z])/g;

/** `password=…`, `"privateKey": "…"`, `Private key: …` inside a text. */
const NAMED_VALUE =
  /((?:api_?-?(?:secret_?-?)?keys?|private[_ -]?key|password|passwd|secret|token)\\?["']?\s*(?:=|(?<=["'])\s*:|(?<=key):)\s*\\?["']?)[^\s"',;&\\]+/gi;

/**
 * The text without share links, credentials in URLs, bearer tokens, private keys, UUIDs of keys in paths and values
 * that are named as secrets. Rather takes too much than too little.
 */
export function scrubSecrets(text: string): string {
  return text
    .replace(SHARE_LINK, (_, scheme: string) => `${scheme}://${REDACTED}`)
    .replace(URL_CREDENTIALS, `://${REDACTED}@`)
    .replace(BEARER, (_, scheme: string) => `${scheme} ${REDACTED}`)
    .replace(PEM_PRIVATE_KEY, REDACTED)
    .replace(KEY_PATH, (_, path: string) => path + REDACTED)
    .replace(SUBSCRIPTION_PATH, (_, path: string) => path + REDACTED)
    .replace(SUBSCRIPTION_TOKEN, REDACTED)
    .replace(NAMED_VALUE, (_, name: string) => name + REDACTED);
}

/** As long as a token of a subscription, with whatever a mistyped address has put to it. */
const LONG_TEXT = /[0-9A-Za-z%]{24,}/g;

/** {@link scrubSecrets} of the address of a request that anybody may have sent: it also loses what only looks like a token. */
export function scrubAddress(address: string): string {
  return scrubSecrets(address).replace(LONG_TEXT, REDACTED);
}

/** Ends of the names of fields whose value is a secret, without case, `_` and `-`; `uplink` is not one. */
const SECRET_FIELD =
  /(?:authorization|cookie|apikeys?|secretkeys?|privatekey|password|passwd|secret|token|uuids?)$|^(?:vless|share)?links?$/;

/** A copy of JSON data with every field named as a secret and every secret inside a text replaced, at any depth. */
export function scrubData(data: unknown): unknown {
  if (typeof data === "string") return scrubSecrets(data);
  if (Array.isArray(data)) return data.map(scrubData);
  if (typeof data !== "object" || data === null) return data;
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, isSecretField(name) ? REDACTED : scrubData(value)]),
  );
}

function isSecretField(name: string): boolean {
  return SECRET_FIELD.test(name.toLowerCase().replaceAll(/[_-]/g, ""));
}

/** Every text that a rule above could match contains one of these. */
const SUSPICIOUS =
  /:\/\/|bearer|basic|private|authorization|cookie|api[_-]?key|passw|secret|token|uuid|link|\/keys\/[0-9a-f]{8}-|\/sub\/|[0-9a-z]{33}/i;

/**
 * One line of a JSON log without secrets. Only a line that may hold one is taken apart, so most cost one look.
 */
export function scrubLogLine(line: string): string {
  if (!SUSPICIOUS.test(line)) return line;
  try {
    return `${JSON.stringify(scrubData(JSON.parse(line)))}\n`;
  } catch {
    return scrubSecrets(line);
  }
}
