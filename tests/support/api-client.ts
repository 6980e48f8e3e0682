import { z } from "zod";

const key = z.object({
  key_id: z.number(),
  uuid: z.string(),
  short_id: z.string(),
  name: z.string().nullable(),
  created_at: z.number(),
  is_active: z.boolean(),
});
const keyWithTerms = key.extend({
  status: z.enum(["active", "on_hold", "limited", "expired", "disabled"]),
  expires_at: z.number().nullable(),
});
export type KeyWithTerms = z.infer<typeof keyWithTerms>;
const traffic = z.object({
  key_id: z.number(),
  upload: z.number(),
  download: z.number(),
  total: z.number(),
  last_updated: z.number(),
});
const link = z.object({ key_id: z.number(), vless_link: z.string() });
const deleted = z.object({ success: z.literal(true), message: z.string() });
const reset = z.object({
  success: z.literal(true),
  message: z.string(),
  key_id: z.number(),
  previous_upload: z.number(),
  previous_download: z.number(),
  previous_total: z.number(),
});
const synced = z.object({ success: z.literal(true), message: z.string(), updated: z.number(), errors: z.number() });
const list = z.object({ keys: z.array(key), total: z.number() });
const counted = z.object({ total: z.number() });
const webhook = z.object({ id: z.string(), secret: z.string() });
export const loggedEvent = z.object({
  id: z.string(),
  seq: z.number(),
  type: z.string(),
  data: z.object({ key: z.object({ key_id: z.number() }).optional() }),
});
export type LoggedEvent = z.infer<typeof loggedEvent>;
const eventList = z.object({ events: z.array(loggedEvent) });

/** The contract's calls, each answer checked for its shape; an error status is thrown with its detail. */
export class ApiClient {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, apiKey: string) {
    this.#url = url;
    this.#headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  }

  create = (name?: string) => this.#call(key, "POST", "/api/keys", name === undefined ? {} : { name });
  get = (keyId: number) => this.#call(key, "GET", `/api/keys/${keyId}`);
  createWith = (body: object) => this.#call(keyWithTerms, "POST", "/api/keys", body);
  terms = (keyId: number) => this.#call(keyWithTerms, "GET", `/api/keys/${keyId}`);
  patch = (keyId: number, body: object, repeatKey: string) =>
    this.#call(keyWithTerms, "PATCH", `/api/keys/${keyId}`, body, repeatKey);
  extend = (keyId: number, seconds: number, repeatKey: string) =>
    this.#call(keyWithTerms, "POST", `/api/keys/${keyId}/extend`, { seconds }, repeatKey);
  list = () => this.#call(list, "GET", "/api/keys");
  delete = (keyId: number) => this.#call(deleted, "DELETE", `/api/keys/${keyId}`);
  link = async (keyId: number) => (await this.#call(link, "GET", `/api/keys/${keyId}/link`)).vless_link;
  traffic = (keyId: number) => this.#call(traffic, "GET", `/api/keys/${keyId}/traffic`);
  reset = (keyId: number) => this.#call(reset, "POST", `/api/keys/${keyId}/traffic/reset`);
  sync = () => this.#call(synced, "POST", "/api/traffic/sync");
  /** Any write, repeated safely; whatever it answers. */
  write = (method: string, path: string, body: object | undefined, repeatKey: string) =>
    this.#call(z.unknown(), method, path, body, repeatKey);
  /** Fetches a subscription as an app does. @param address of the subscription, of which the path counts */
  subscribe = async (address: string, hardwareId: string): Promise<void> => {
    const response = await fetch(this.#url + new URL(address).pathname, { headers: { "x-hwid": hardwareId } });
    await response.arrayBuffer();
  };
  countDevices = async (keyId: number) => (await this.#call(counted, "GET", `/api/keys/${keyId}/devices`)).total;
  newWebhook = (url: string, types: readonly string[]) => this.#call(webhook, "POST", "/api/webhooks", { url, types });
  events = async (after: number, limit: number) =>
    (await this.#call(eventList, "GET", `/api/events?after=${after}&limit=${limit}`)).events;

  async #call<T>(schema: z.ZodType<T>, method: string, path: string, body?: object, repeatKey?: string): Promise<T> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { ...this.#headers, ...(repeatKey !== undefined && { "idempotency-key": repeatKey }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new ApiError(response.status, answer);
    return schema.parse(answer);
  }
}

/** An error answer of the API. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, answer: unknown) {
    super(`${status} ${JSON.stringify(answer)}`);
    this.status = status;
  }
}
