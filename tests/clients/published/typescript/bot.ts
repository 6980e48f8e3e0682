// A bot and its receiver of webhooks, with the published client; prints what it saw as JSON.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createVeilClient, type VeilEvent, verifyWebhook } from "veil-xray-api-client";

const [url = "", flakyUrl = "", token = "", name = ""] = process.argv.slice(2);
let secret = "";
const events: VeilEvent[] = [];

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  try {
    events.push(verifyWebhook(body, request.headers, secret));
    response.writeHead(204).end();
  } catch {
    response.writeHead(401).end();
  }
}

const server = createServer((request, response) => void take(request, response));
server.listen(0, "127.0.0.1");
await once(server, "listening");
const hook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;

const veil = createVeilClient({ url, token });
const flaky = createVeilClient({ url: flakyUrl, token });
const webhook = (await veil.POST("/api/webhooks", { body: { url: hook, types: ["key.*"] } })).data;
if (webhook === undefined || !("secret" in webhook)) throw new Error("no webhook was made");
secret = webhook.secret ?? "";
const key = (await flaky.POST("/api/keys", { body: { name } })).data;
if (key === undefined || !("key_id" in key)) throw new Error("no key was made");
const path = { key_id: String(key.key_id) };
const forged = await fetch(hook, {
  method: "POST",
  headers: { "webhook-id": "e", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA" },
  body: '{"type":"key.created"}',
});
const made = (await flaky.GET("/api/keys", { params: { query: { name } } })).data?.total;
const deleted = await flaky.DELETE("/api/keys/{key_id}", {
  params: { path, header: { "Idempotency-Key": `delete-${name}` } },
});
const missing = (await veil.GET("/api/keys/{key_id}", { params: { path } })).error?.detail;
const ofKey = () => events.filter(({ data }) => data["key"]?.key_id === key.key_id).map(({ type }) => type);
for (const until = Date.now() + 30_000; ofKey().length < 2 && Date.now() < until; ) await sleep(100);
await veil.DELETE("/api/webhooks/{id}", { params: { path: { id: webhook.id } } });
server.close();
const saw = {
  made,
  forged: forged.status,
  deleted: deleted.data !== undefined && "success" in deleted.data && deleted.data.success,
  missing: missing === `Key with id ${key.key_id} not found`,
  events: ofKey(),
};
process.stdout.write(`${JSON.stringify(saw)}\n`);
