// A shop's bot without its chat: sells keys, one or many, shows what they used, and closes them.
//
//   VEIL_API_URL=http://127.0.0.1:8000 VEIL_API_KEY=… node shop-bot.mjs sell ORDER NAME
//   … shop-bot.mjs bulk ORDER COUNT | usage | close KEY_ID…
//   … shop-bot.mjs trial CUSTOMER | buy CUSTOMER DAYS GIGABYTES | renew CUSTOMER DAYS ORDER | upgrade CUSTOMER GIGABYTES
//   … shop-bot.mjs qr CUSTOMER FILE | ban CUSTOMER | lost CUSTOMER | refund CUSTOMER
import { writeFile } from "node:fs/promises";
import { VeilApi } from "./veil-api.mjs";

/** As the page and the apps count it: with 1e9 a customer who bought 100 GB would see 93.1 GB. */
const GIGABYTE = 2 ** 30;

const { VEIL_API_URL = "http://127.0.0.1:8000", VEIL_API_KEY = "" } = process.env;
const api = new VeilApi(VEIL_API_URL, VEIL_API_KEY);
const [command, ...rest] = process.argv.slice(2);

function show({ key_id, status, expires_at, traffic_limit, subscription_url }) {
  const end = expires_at === null ? "no end" : new Date(expires_at * 1_000).toISOString().slice(0, 10);
  const limit = traffic_limit === null ? "no limit" : `${Number((traffic_limit / GIGABYTE).toFixed(1))} GB`;
  console.log(`Key ${key_id}: ${status}, ${end}, ${limit}, ${subscription_url}`);
}

const commands = {
  async sell(order, name) {
    const { key_id } = await api.createKey(name, order);
    console.log(`Key ${key_id}: ${await api.link(key_id)}`);
  },
  async bulk(order, count) {
    const names = Array.from({ length: Number(count) }, (_, index) => `${order}-${index + 1}`);
    const { results, succeeded, failed } = await api.createKeys(names, order);
    console.log(`Made ${succeeded} keys, ${failed} failed`);
    for (const { detail } of results.filter(({ status }) => status === "error")) console.log(detail);
  },
  async usage() {
    for await (const { key_id, total } of api.list("traffic")) console.log(`Key ${key_id}: ${total} bytes`);
  },
  /** A day that begins with the first byte, a week from now at the latest. */
  async trial(customer) {
    const now = Math.floor(Date.now() / 1_000);
    show(
      await api.putKey(customer, {
        hold_for: 86_400,
        hold_until: now + 7 * 86_400,
        traffic_limit: GIGABYTE,
        tag: "trial",
      }),
    );
  },
  async buy(customer, days, gigabytes) {
    const expires_at = Math.floor(Date.now() / 1_000) + Number(days) * 86_400;
    const terms = {
      hold_for: null,
      hold_until: null,
      expires_at,
      traffic_limit: Number(gigabytes) * GIGABYTE,
      tag: "paid",
    };
    show(await api.putKey(customer, terms));
  },
  async renew(customer, days, order) {
    show(await api.extendKey((await api.find(customer)).key_id, Number(days), order));
  },
  async upgrade(customer, gigabytes) {
    const change = { traffic_limit: Number(gigabytes) * GIGABYTE, reset_traffic: true };
    show(await api.changeKey((await api.find(customer)).key_id, change));
  },
  /** A picture that a bot sends beside `subscription_url`, for the camera of the customer's app. */
  async qr(customer, file) {
    await writeFile(file, await api.qr((await api.find(customer)).key_id));
  },
  async ban(customer) {
    show(await api.changeKey((await api.find(customer)).key_id, { enabled: false }));
  },
  async lost(customer) {
    show(await api.revokeKey((await api.find(customer)).key_id));
  },
  async refund(customer) {
    console.log((await api.forget(customer)).message);
  },
  async close(...keyIds) {
    const { succeeded, failed } = await api.deleteKeys(keyIds.map(Number));
    console.log(`Closed ${succeeded} keys, ${failed} were not there`);
  },
};

if (!Object.hasOwn(commands, command)) throw new Error("say one of: " + Object.keys(commands).join(", "));
await commands[command](...rest);
