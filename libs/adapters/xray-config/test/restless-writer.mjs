// Rewrites a config file without end, between two sets of clients, until it is killed. Run by the tests, from the build.
import { configCheck, XrayConfigFile } from "@veil/xray-config";

const [path, binary, count] = process.argv.slice(2);
const file = new XrayConfigFile({ path, ...(binary !== "" && { check: configCheck(binary) }) });

const form = { protocol: "vless", members: ["id", "flow"] };
const clients = Array.from({ length: Number(count) }, (_, index) => index + 1).map((keyId) => ({
  email: `${keyId}@veil`,
  values: [`00000000-0000-4000-8000-${String(keyId).padStart(12, "0")}`, ""],
}));
const all = new Map(clients.map((client) => [client.email, client]));
const allButOne = new Map([...all, ["1@veil", null]]);

for (let round = 0; ; round += 1) {
  const wanted = round % 2 === 0 ? all : allButOne;
  await file.update(async () => [{ inboundTag: "vless-in", form, clients: wanted, shortId: "7bb45050" }]);
  process.stdout.write(`${round}\n`);
}
