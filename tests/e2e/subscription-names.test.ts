import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import { eachProgram } from "../support/each-program.ts";
import { findRealPrograms, type RealProgram } from "../support/real-programs.ts";
import { checkSingBoxConfig, runMihomoConfig, runXrayConfig } from "../support/subscription-clients.ts";
import { startSubscriptionTestbed, type SubscriptionTestbed } from "../support/subscription-testbed.ts";
import type { VpnClient } from "../support/vpn-client.ts";

const GROUP = "VPN";
const programs = await findRealPrograms();
const each = (prefix: string, what: string, run: (program: RealProgram) => Promise<void>) =>
  eachProgram(programs, prefix, what, run);

let testbed: SubscriptionTestbed;
const clients: VpnClient[] = [];

beforeAll(async () => {
  testbed = await startSubscriptionTestbed(programs[0]?.path ?? "");
});

afterEach(() => Promise.all(clients.splice(0).map((client) => client.stop())));

afterAll(() => testbed.stop());

async function running<Client extends VpnClient>(started: Promise<Client>): Promise<Client> {
  const client = await started;
  clients.push(client);
  return client;
}

function firstConnection() {
  const [first] = testbed.connections("", [""]);
  if (first === undefined) throw new Error("there is no connection");
  return first;
}

/** Texts that YAML of some version takes for something else, or doesn't print; blanks, and what JSON escapes. */
const awkwardNames = [
  ...["2026-11-28", "0b11", "1_000", "0o17", "12:30:45", "1e3", ".inf", "yes", "Off", "~", "null", "<<", "---", "..."],
  ...[
    "- a",
    "a: b",
    "a #b",
    "!!int 3",
    "&a",
    "*a",
    "%41",
    "%TAG",
    "@a",
    "`a`",
    "{a}",
    "[a]",
    "? a",
    "| a",
    "> a",
    "'a'",
  ],
  ...[
    " leading",
    "trailing ",
    "tab\there",
    "two\nlines",
    "cr\rhere",
    "nul\0here",
    "\u0085",
    "\u2028",
    "\uFEFF",
    "\uFFFE",
    "\uD800",
  ],
  ...[
    "a,b",
    "VPN",
    "REJECT",
    "GLOBAL",
    "direct",
    "twin",
    "twin",
    "twin (2)",
    "twin-01",
    "👨‍👩‍👧‍👦",
    "e\u0301",
    "ﷺ".repeat(50),
  ],
];
const readable = awkwardNames.map((name) => name.replace("\uD800", "\uFFFD"));
const renamed = (name: string, index: number) =>
  name === "twin" && readable.indexOf(name) < index ? "twin (3)" : name;

describe("names", () => {
  const subscribeNames = () => {
    testbed.subscribe(
      "names",
      awkwardNames.map((remark) => ({ ...firstConnection(), remark })),
    );
  };

  each("mihomo", "shows each as it is", async ({ path }) => {
    subscribeNames();
    const client = await running(runMihomoConfig(path, await testbed.body("mihomo"), testbed.entrance.mixed));
    const builtIn = (name: string) => (["VPN", "REJECT", "GLOBAL"].includes(name) ? `${name} (2)` : name);
    const shown = readable.map(renamed).map(builtIn);
    await expect.poll(() => client.controller.proxiesOf(GROUP)).toEqual(shown);
  });

  each("sing-box", "takes all", async ({ path }) => {
    subscribeNames();
    expect(await checkSingBoxConfig(path, await testbed.body("sing-box"))).toBe("");
  });

  each("Xray", "takes all", async ({ path }) => {
    subscribeNames();
    const configs = JSON.parse(await testbed.body("xray")) as { remarks: string; outbounds: { tag: string }[] }[];
    expect(configs.map(({ remarks }) => remarks)).toEqual(readable.map(renamed));
    const [first, ...rest] = configs;
    const outbounds = rest.map((config, index) => ({ ...config.outbounds[0], tag: `${index}` }));
    const all = JSON.stringify({ ...first, outbounds: [...(first?.outbounds ?? []), ...outbounds] });
    expect(await testbed.wayOf(await running(runXrayConfig(path, all, testbed.entrance.http)))).toBe("one");
  });
});
