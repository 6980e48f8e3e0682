import { randomBytes } from "node:crypto";
import { SEAL_NONCE_BYTES, SEALING_KEY_BYTES, sealSecret, SECRET_BYTES, secretText } from "@veil/webhooks";
import { storedWebhook } from "@veil/webhooks/testing";
import { startWebhookReceiver, type WebhookReceiver } from "@veil/test-support";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LARGEST_BODY_BYTES, SEND_TIMEOUT_MS, WebhookSender, type WebhookSenderOptions } from "./webhook-sender.ts";

const sealingKey = randomBytes(SEALING_KEY_BYTES);
const event = {
  id: "evt_1",
  body: JSON.stringify({ id: "evt_1", seq: 1, type: "key.created", data: { note: "ключ" } }),
};

let receiver: WebhookReceiver;
let senders: WebhookSender[];
beforeEach(async () => {
  receiver = await startWebhookReceiver();
  receiver.secret = secretText(randomBytes(SECRET_BYTES));
  senders = [];
});
afterEach(async () => {
  await Promise.all(senders.map((one) => one.stop()));
  await receiver.close();
});

function sender(options: Partial<WebhookSenderOptions> = {}): WebhookSender {
  const made = new WebhookSender({ sealingKey, isPrivateAllowed: true, agent: "Veil/1", now: Date.now, ...options });
  senders.push(made);
  return made;
}

function webhookAt(url: string) {
  const webhook = storedWebhook({ url });
  return {
    ...webhook,
    sealedSecret: sealSecret(receiver.secret, webhook.id, sealingKey, randomBytes(SEAL_NONCE_BYTES)),
  };
}

const failed = (error: string) => ({ outcome: "failed", error });
const ours = (error: string) => ({ ...failed(error), isOurs: true });

describe("WebhookSender", () => {
  it("sends an event once, signed, to the path and query of the webhook", async () => {
    const one = sender();
    const webhook = webhookAt(`${receiver.url}?bot=1`);
    expect(await one.send(event, webhook)).toEqual({ outcome: "delivered" });
    expect(receiver.received).toMatchObject([{ body: event.body, path: "/hook?bot=1" }]);
    expect(receiver.forged).toEqual([]);
  });

  it.each([302, 307, 400, 404, 500, 503])("takes %d for a failure, and follows no redirect", async (status) => {
    const other = await startWebhookReceiver();
    receiver.answer = (_received, response) => void response.writeHead(status, { location: other.url }).end();
    expect(await sender().send(event, webhookAt(receiver.url))).toEqual(failed(`The receiver answered ${status}`));
    expect([receiver.received.length, other.received.length]).toEqual([1, 0]);
    await other.close();
  });

  it("waits no longer than it may, for the answer and for its body", async () => {
    receiver.answer = () => undefined;
    const begun = performance.now();
    expect(await sender().send(event, webhookAt(receiver.url), 200)).toEqual(
      failed("The receiver did not answer within 0.2 seconds"),
    );
    receiver.answer = (_received, response) => {
      response.writeHead(200);
      setInterval(() => response.write("more"), 20).unref();
    };
    expect(await sender().send(event, webhookAt(receiver.url), 2_000)).toEqual({ outcome: "delivered" });
    expect(performance.now() - begun).toBeLessThan(SEND_TIMEOUT_MS);
  });

  it("reads a little of a large answer only", async () => {
    let written = 0;
    receiver.answer = (_received, response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(64 * 1_024);
      const write = () => {
        while (!response.destroyed && written < 512 * 1_048_576) {
          written += chunk.length;
          if (!response.write(chunk)) return;
        }
      };
      response.on("drain", write);
      write();
    };
    expect(await sender().send(event, webhookAt(receiver.url))).toEqual({ outcome: "delivered" });
    expect(written).toBeLessThan(64 * 1_048_576);
  });

  it("says that a receiver is not there", async () => {
    await receiver.close();
    expect(await sender().send(event, webhookAt(receiver.url))).toEqual(
      failed("The receiver can't be reached: ECONNREFUSED"),
    );
    receiver = await startWebhookReceiver();
  });

  it("sends nothing larger than 64 KiB, and nothing without its secret", async () => {
    const large = { id: "evt_1", body: "a".repeat(LARGEST_BODY_BYTES + 1) };
    expect(await sender().send(large, webhookAt(receiver.url))).toEqual(failed("The event is larger than 64 KiB"));
    expect(await sender({ sealingKey: randomBytes(32) }).send(event, webhookAt(receiver.url))).toEqual(
      ours("The secret can't be opened: WEBHOOK_SECRET_KEY is another one"),
    );
    expect(await sender({ sealingKey: null }).send(event, webhookAt(receiver.url))).toEqual(
      ours("WEBHOOK_SECRET_KEY is not configured"),
    );
    expect(receiver.received).toEqual([]);
  });

  it("breaks off what is under way when it is to stop, which is no failure", async () => {
    receiver.answer = () => undefined;
    const one = sender();
    const sending = one.send(event, webhookAt(receiver.url));
    setTimeout(() => void one.stop(), 50);
    expect(await sending).toEqual({ outcome: "cut" });
  });
});

describe("the guard of private addresses", () => {
  const refused = failed("The receiver's address is a private one");
  const portOf = () => new URL(receiver.url).port;

  it.each(["127.0.0.1", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1"])(
    "does not connect to %s in the URL itself",
    async (host) => {
      const webhook = webhookAt(`http://${host}:${portOf()}/`);
      expect(await sender({ isPrivateAllowed: false }).send(event, webhook)).toEqual(refused);
      expect(receiver.received).toEqual([]);
    },
  );

  it.each([
    ["a private address", [{ address: "127.0.0.1", family: 4 }]],
    [
      "a public and a private one",
      [
        { address: "8.8.8.8", family: 4 },
        { address: "127.0.0.1", family: 4 },
      ],
    ],
    ["one of IPv6 that holds one of IPv4", [{ address: "::ffff:127.0.0.1", family: 6 }]],
  ])("does not connect to a name that leads to %s, and asks anew each time", async (_name, addresses) => {
    let lookups = 0;
    const resolve = async () => {
      lookups += 1;
      return addresses;
    };
    const one = sender({ isPrivateAllowed: false, resolve });
    for (const scheme of ["http", "https", "http"]) {
      const webhook = webhookAt(`${scheme}://bot.example.com:${portOf()}/`);
      expect(await one.send(event, webhook)).toEqual(refused);
    }
    expect([lookups, receiver.received]).toEqual([3, []]);
  });

  it("says that a name has no address", async () => {
    const one = sender({ isPrivateAllowed: false, resolve: async () => [] });
    const end = await one.send(event, webhookAt("http://bot.example.com/"));
    expect(end).toEqual(failed("The receiver can't be reached: bot.example.com has no address"));
  });
});
