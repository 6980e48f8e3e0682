import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** The waits before the three retries: together longer than the API takes to come back. */
const retryDelaysMs = [1_000, 3_000, 9_000];
const timeoutMs = 60_000;

/** An error answer that another try does not change. */
export class VeilError extends Error {
  constructor(status, detail) {
    super(`${status}: ${detail}`);
    this.status = status;
  }
}

/**
 * The calls of the Veil Xray API with three retries each. Every write has an Idempotency-Key that its retries share, so a
 * retry never does twice what the first try did, even when its answer was lost.
 */
export class VeilApi {
  constructor(url, apiKey) {
    this.url = url.replace(/\/+$/, "");
    this.apiKey = apiKey;
  }

  /** @param order names the sale: a bot that crashes and sells the same order again gets the same key */
  createKey(name, order = randomUUID()) {
    return this.call("POST", "/api/keys", { name }, `create-${order}`);
  }

  /** Up to 1000 keys in one call. */
  createKeys(names, order = randomUUID()) {
    return this.call("POST", "/api/keys/batch", { keys: names.map((name) => ({ name })) }, `create-${order}`);
  }

  /** Makes or renews the key of a customer, who is named by the bot's own id. @param terms such as `expires_at`, `tag` */
  putKey(customer, terms) {
    return this.call("PUT", this.pathOf(customer), terms, `put-${randomUUID()}`);
  }

  find(customer) {
    return this.call("GET", this.pathOf(customer));
  }

  /** Changes what is named, such as `{ enabled: false }`. */
  changeKey(keyId, change) {
    return this.call("PATCH", `/api/keys/${keyId}`, change, `change-${randomUUID()}`);
  }

  /** @param order names the payment: the same one adds once */
  extendKey(keyId, days, order) {
    return this.call("POST", `/api/keys/${keyId}/extend`, { days }, `extend-${order}`);
  }

  /** Another link and other credentials, for who lost theirs. */
  revokeKey(keyId) {
    return this.call("POST", `/api/keys/${keyId}/revoke`, { link: true, credentials: true }, `revoke-${randomUUID()}`);
  }

  /** Deletes a customer's key. */
  forget(customer) {
    return this.call("DELETE", this.pathOf(customer), undefined, `forget-${randomUUID()}`);
  }

  pathOf(customer) {
    return `/api/keys/by-external-id/${encodeURIComponent(customer)}`;
  }

  deleteKey(keyId) {
    return this.call("DELETE", `/api/keys/${keyId}`, undefined, `delete-${keyId}`);
  }

  deleteKeys(keyIds, order = randomUUID()) {
    return this.call("POST", "/api/keys/batch-delete", { key_ids: keyIds }, `delete-${order}`);
  }

  async link(keyId) {
    return (await this.call("GET", `/api/keys/${keyId}/link`)).vless_link;
  }

  /** The QR code of a key's subscription as a PNG, to be sent as a photo. */
  qr(keyId) {
    const bytes = async (response) => Buffer.from(await response.arrayBuffer());
    return this.call("GET", `/api/keys/${keyId}/qr.png`, undefined, undefined, bytes);
  }

  /** All keys, or their traffic with `what` = "traffic", read page by page. */
  async *list(what = "keys", limit = 1_000) {
    for (let after = 0; ; ) {
      const page = (await this.call("GET", `/api/${what}?limit=${limit}&after=${after}`))[what];
      yield* page;
      if (page.length < limit) return;
      after = page.at(-1).key_id;
    }
  }

  async call(method, path, body, idempotencyKey, read = (response) => response.json()) {
    for (let attempt = 0; ; attempt += 1) {
      const last = attempt === retryDelaysMs.length;
      let waitMs = retryDelaysMs[attempt];
      try {
        const response = await fetch(this.url + path, {
          method,
          headers: {
            Authorization: `Bearer ${this.apiKey}`,
            ...(body && { "Content-Type": "application/json" }),
            ...(idempotencyKey && { "Idempotency-Key": idempotencyKey }),
          },
          ...(body && { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(timeoutMs),
        });
        if (response.ok) return await read(response);
        const error = new VeilError(response.status, (await response.json()).detail);
        if (last || (response.status < 500 && response.status !== 429)) throw error;
        waitMs = Math.max(waitMs, Number(response.headers.get("Retry-After") ?? 0) * 1_000);
      } catch (error) {
        if (error instanceof VeilError || last) throw error;
      }
      await sleep(waitMs);
    }
  }
}
