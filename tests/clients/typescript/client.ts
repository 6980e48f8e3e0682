// Calls the API through the types that openapi-typescript generated, and prints what it saw as JSON.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const [url = "", token = "", name = "", idempotencyKey = ""] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });

const made = await api.POST("/api/keys", {
  body: { name },
  params: { header: { "Idempotency-Key": idempotencyKey } },
});
if (made.data === undefined || !("key_id" in made.data)) throw new Error(JSON.stringify(made));
const { key_id: id, uuid } = made.data;
const byId = { params: { path: { key_id: String(id) } } };
const byUuid = { params: { path: { key_id: uuid } } };

const page = await api.GET("/api/keys", { params: { query: { limit: 1, after: id - 1 } } });
const saw = {
  id,
  name: made.data.name,
  uuid,
  byId: (await api.GET("/api/keys/{key_id}", byId)).data?.uuid,
  byUuid: (await api.GET("/api/keys/{key_id}", byUuid)).data?.key_id,
  listed: page.data?.keys[0]?.key_id,
  total: page.data?.total,
  link: (await api.GET("/api/keys/{key_id}/link", byUuid)).data?.vless_link,
  links: (await api.GET("/api/keys/{key_id}/links", byId)).data?.links.length,
  traffic: (await api.GET("/api/keys/{key_id}/traffic", { params: { ...byUuid.params, query: { refresh: false } } }))
    .data?.total,
};
const reset = await api.POST("/api/keys/{key_id}/traffic/reset", byId);
if (reset.data === undefined || !("previous_total" in reset.data)) throw new Error(JSON.stringify(reset));
const deleted = await api.DELETE("/api/keys/{key_id}", byUuid);
if (deleted.data === undefined || !("message" in deleted.data)) throw new Error(JSON.stringify(deleted));
const batch = await api.POST("/api/keys/batch-delete", { body: { key_ids: [id, uuid] } });
if (batch.data === undefined || !("results" in batch.data)) throw new Error(JSON.stringify(batch));
const [, item] = batch.data.results;

const all = {
  ...saw,
  reset: reset.data.previous_total,
  deleted: deleted.data.message,
  failed: batch.data.failed,
  item: item?.status === "error" ? item.detail : null,
  missing: (await api.GET("/api/keys/{key_id}", byId)).error?.detail,
};
process.stdout.write(`${JSON.stringify(all)}\n`);
