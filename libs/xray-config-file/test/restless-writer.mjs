// Rewrites a config file without end, between two sets of clients, until it is killed. Run by the tests, from the build.
import { configCheck, XrayConfigFile } from "@veil/xray-config-file";

const [path, binary, count] = process.argv.slice(2);
const file = new XrayConfigFile({ path, ...(binary !== "" && { check: configCheck(binary) }) });

const uuid = (keyId) => `00000000-0000-4000-8000-${String(keyId).padStart(12, "0")}`;
const clients = Array.from({ length: Number(count) }, (_, index) => index + 1).map((keyId) => ({
  email: `${keyId}@veil`,
  uuid: uuid(keyId),
  flow: "",
}));
const owns = (email) => email.endsWith("@veil");

for (let round = 0; ; round += 1) {
  const wanted = round % 2 === 0 ? clients : clients.slice(1);
  await file.update(async () => ({ inboundTag: "vless-in", owns, clients: wanted, shortId: "7bb45050" }));
  process.stdout.write(`${round}\n`);
}
