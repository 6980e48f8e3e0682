import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { protocolNamed } from "@veil/protocols";
import { ConfigInvalidError, ConfigRefusedError, XrayConfigFile } from "@veil/xray-config";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SharedWrites } from "./shared-writes.ts";

const inbound = (tag: string) => ({ tag, protocol: "trojan", settings: { clients: [] } });
const form = protocolNamed("trojan").inConfig;

let folder: string;
let path: string;
let checks: number;
let results: string[];
/** What Xray's check refuses a text for. */
let refused: string;
let writes: SharedWrites;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "veil-shared-writes-"));
  path = join(folder, "xray.json");
  await writeFile(path, JSON.stringify({ inbounds: ["a", "b", "c"].map(inbound) }));
  [checks, results, refused] = [0, [], "nothing"];
  const check = async (candidate: string) => {
    checks += 1;
    if ((await readFile(candidate, "utf8")).includes(refused)) throw new ConfigRefusedError(23, "no");
  };
  const file = new XrayConfigFile({ path, check });
  writes = new SharedWrites({ file, onlyWriter: (write) => write(), onWrite: (result) => results.push(result) });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const put = (inboundTag: string, email: string) =>
  writes.write(async () => {
    return { inboundTag, form, shortId: "00", clients: new Map([[email, { email, values: ["password"] }]]) };
  });
const failureOf = (task: Promise<void>): Promise<unknown> => task.then(() => null).catch((error: unknown) => error);
const listed = async () => [...(await readFile(path, "utf8")).matchAll(/"(\d)@veil"/g)].map(([, keyId]) => keyId);

test("inbounds that ask together share one write, and those that ask during it the next one", async () => {
  const first = put("a", "1@veil");
  const others = [put("b", "2@veil"), put("c", "3@veil"), put("a", "4@veil")];
  await Promise.all([first, ...others]);
  expect((await listed()).toSorted()).toEqual(["1", "2", "3", "4"]);
  expect([checks, results]).toEqual([1, ["written"]]);
  const early = put("a", "5@veil");
  await Promise.resolve();
  await Promise.all([early, put("b", "6@veil"), put("c", "7@veil")]);
  expect(checks).toBeLessThanOrEqual(3);
  expect(await listed()).toHaveLength(7);
});

test("an inbound that the file lacks fails alone, and so does one that Xray refuses", async () => {
  const [one, lacking] = await Promise.all([put("a", "1@veil"), put("x", "2@veil")].map(failureOf));
  expect([one, lacking]).toEqual([null, expect.any(ConfigInvalidError)]);
  const twice = await Promise.all([put("x", "2@veil"), put("a", "1@veil"), put("a", "1@veil")].map(failureOf));
  expect(twice).toEqual([expect.any(ConfigInvalidError), null, null]);
  refused = "4@veil";
  const ends = await Promise.all([put("a", "3@veil"), put("b", "4@veil"), put("c", "5@veil")].map(failureOf));
  expect(ends).toEqual([null, expect.any(ConfigRefusedError), null]);
  expect((await listed()).toSorted()).toEqual(["1", "3", "5"]);
  expect(results).toEqual(["error", "error", "written", "error", "written"]);
});

test("a file that can't be read fails for all that asked", async () => {
  await rm(path);
  const ends = await Promise.all([put("a", "1@veil"), put("b", "2@veil")].map(failureOf));
  expect(ends).toEqual([expect.any(Error), expect.any(Error)]);
  expect(results).toEqual(["error"]);
});
