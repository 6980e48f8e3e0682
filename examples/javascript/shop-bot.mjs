// A shop's bot without its chat: sells keys, one or many, shows what they used, and closes them.
//
//   VEIL_API_URL=http://127.0.0.1:8000 VEIL_API_KEY=… node shop-bot.mjs sell ORDER NAME
//   … shop-bot.mjs bulk ORDER COUNT | usage | close KEY_ID…
import { VeilApi } from "./veil-api.mjs";

const { VEIL_API_URL = "http://127.0.0.1:8000", VEIL_API_KEY = "" } = process.env;
const api = new VeilApi(VEIL_API_URL, VEIL_API_KEY);
const [command, ...rest] = process.argv.slice(2);

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
  async close(...keyIds) {
    const { succeeded, failed } = await api.deleteKeys(keyIds.map(Number));
    console.log(`Closed ${succeeded} keys, ${failed} were not there`);
  },
};

if (!Object.hasOwn(commands, command)) throw new Error("say one of: " + Object.keys(commands).join(", "));
await commands[command](...rest);
