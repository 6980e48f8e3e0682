import { networkInterfaces } from "node:os";
import { freePort } from "@veil/engines";
import type { Connection } from "@veil/protocols";
import { DEFAULT_ENTRANCE, type FormatName, type KeyStatus, type Refusal } from "@veil/subscriptions";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  serveSubscriptions,
  type SubscriptionServer,
} from "../../services/api/test/subscriptions/serve-subscriptions.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { type MeteredXray, type Place, startMeteredXray } from "../support/metered-xray.ts";
import { findRealPrograms, type RealProgram } from "../support/real-programs.ts";
import {
  checkSingBoxConfig,
  type MihomoOfConfig,
  runMihomoConfig,
  runMihomoProvider,
  runSingBoxConfig,
  runXrayConfig,
} from "../support/subscription-clients.ts";
import type { VpnClient } from "../support/vpn-client.ts";

const TOKEN = "v7Kq2mZx9LbR4tYcW8sJhN3f";
const VISION = "xtls-rprx-vision";
const users = {
  "66ad4540-b58c-4ad2-9926-ea63445a9b57": "",
  "0b2f27c8-5a4e-4c7e-9d7e-7e4505000001": VISION,
} as const;
const BODY_BYTES = 100_000;
const SILENT_FOR_MS = 7_000;
/** What goes nowhere is waited for less long: mihomo tries for five seconds. */
const NOWHERE_WITHIN_MS = 2_000;
const GROUP = "VPN";
const FETCHED_WITHIN_MS = 10_000;

const AWKWARD_NAME = `  #?%&+"' Ключ 🛡️: ,{[<b>\\`;
/** What a proxy of mihomo's own is called, and what YAML doesn't count as printable. */
const NAMES = [AWKWARD_NAME, AWKWARD_NAME, "DIRECT", "🇩🇪 \u007F\uFEFF\n№ 4"];
const SHOWN = [AWKWARD_NAME, `${AWKWARD_NAME} (2)`, "DIRECT", "🇩🇪 \u007F\uFEFF\n№ 4"];
/** Names as mihomo's converter shows them. */
const SHOWN_BY_MIHOMO = [AWKWARD_NAME, `${AWKWARD_NAME} (2)`, "DIRECT (2)", "🇩🇪 \u007F\uFEFF\n№ 4"];

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);
const plans: readonly Omit<Place, "port">[] = [
  { tag: "one", address: "127.0.0.1" },
  { tag: "two", address: "127.0.0.1" },
  { tag: "six", address: hasIpv6 ? "::1" : "127.0.0.1" },
  { tag: "xhttp", address: "127.0.0.1", path: "/веб" },
];

const programs = await findRealPrograms();
const programOf = (prefix: string) => programs.filter(({ name }) => name.startsWith(prefix));

let bytes: ByteServer;
let xray: MeteredXray;
let server: SubscriptionServer;
const entrance = { ...DEFAULT_ENTRANCE, tun: false };
const clients: VpnClient[] = [];

beforeAll(async () => {
  const binary = programs[0]?.path ?? "";
  bytes = await startByteServer();
  xray = await startMeteredXray(binary, plans, users);
  Object.assign(entrance, { socks: await freePort(), http: await freePort(), mixed: await freePort() });
  server = await serveSubscriptions({ entrance, language: "ru" });
});

afterEach(() => Promise.all(clients.splice(0).map((client) => client.stop())));

afterAll(async () => {
  await server.stop();
  await xray.stop();
  await bytes.stop();
});

async function running<Client extends VpnClient>(started: Promise<Client>): Promise<Client> {
  const client = await started;
  clients.push(client);
  return client;
}

/** Where the bytes of a download came through; none when there was no answer. */
async function wayOf(client: VpnClient, withinMs = SILENT_FOR_MS): Promise<string | null> {
  await xray.takeDownlink();
  const received = await client.download(bytes.downloadUrl(BODY_BYTES), withinMs).catch(() => 0);
  const ways = Object.entries(await xray.takeDownlink()).filter(([, moved]) => moved >= BODY_BYTES);
  expect([received, ways.length]).toEqual(received === 0 ? [0, 0] : [BODY_BYTES, 1]);
  return ways[0]?.[0] ?? null;
}

function connections(flow: string): Connection[] {
  const uuid = Object.keys(users).find((id) => users[id as keyof typeof users] === flow) ?? "";
  return xray.places.map(({ address, port, path }, index) => ({
    protocol: "vless",
    remark: NAMES[index] ?? "",
    address,
    port,
    uuid,
    flow: path === undefined && flow === VISION ? VISION : "",
    security: {
      kind: "reality",
      ...{ sni: xray.sni, publicKey: xray.publicKey, shortId: xray.shortId, fingerprint: "chrome", spiderX: "/" },
    },
    transport: path === undefined ? { kind: "tcp" } : { kind: "xhttp", path },
  }));
}

function subscribe(shown: readonly Connection[], status: KeyStatus = "active", refusal: Refusal | null = null): void {
  const key = { name: AWKWARD_NAME, status, upload: 1, download: 2, trafficLimit: 3, expiresAt: 4, usage: [] };
  const view = { key: { ...key, url: `${server.url}/sub/${TOKEN}` }, connections: shown, refusal };
  server.views.set(TOKEN, { ...view, keyId: 1 });
}

async function body(format: FormatName): Promise<string> {
  const response = await fetch(`${server.url}/sub/${TOKEN}/${format}`);
  expect(response.status).toBe(200);
  return response.text();
}

/** A test of each program of that name, which says why one is left out. */
function each(prefix: string, what: string, run: (program: RealProgram) => Promise<void>): void {
  for (const program of programOf(prefix)) {
    const why = program.leftOut === null ? "" : ` (left out: ${program.leftOut})`;
    test.skipIf(program.leftOut !== null)(`${program.name} ${what}${why}`, () => run(program));
  }
}

/** A provider is fetched after the start. */
async function expectToShow({ controller }: MihomoOfConfig, names: readonly string[]): Promise<void> {
  await expect.poll(() => controller.proxiesOf(GROUP), { timeout: FETCHED_WITHIN_MS }).toEqual(names);
}

const configsOf = (text: string) => JSON.parse(text) as { remarks: string }[];
const linesOf = (text: string) => text.trimEnd().split("\n");
const fromBase64 = (text: string) => Buffer.from(text, "base64").toString();

describe.each(["", VISION])("a subscription of a key with the flow %j", (flow) => {
  const everywhere = plans.map(({ tag }) => tag);

  each("Xray", "runs each config of the array, and each link of the lists", async ({ path, start }) => {
    subscribe(connections(flow));
    const configs = configsOf(await body("xray"));
    expect(configs.map(({ remarks }) => remarks)).toEqual(SHOWN);
    const ways: (string | null)[] = [];
    for (const config of configs) {
      const client = await runXrayConfig(path, JSON.stringify(config), entrance.http);
      ways.push(await wayOf(client));
      await client.stop();
    }
    expect(ways).toEqual(everywhere);

    const plain = await body("plain");
    expect(fromBase64(await body("base64"))).toBe(plain);
    // The client for links that stands in for apps knows TCP alone.
    for (const [index, link] of linesOf(plain).slice(0, 3).entries()) {
      expect(await wayOf(await running(start(link)))).toBe(everywhere[index]);
    }
  });

  each("sing-box", "runs the config, whichever node comes first", async ({ path }) => {
    const all = connections(flow);
    for (const [index, first] of all.slice(0, 3).entries()) {
      subscribe([first, ...all.filter((other) => other !== first)]);
      const config = await body("sing-box");
      const client = await runSingBoxConfig(path, config, entrance.mixed);
      expect(await wayOf(client)).toBe(everywhere[index]);
      await client.stop();
    }
  });

  each("mihomo", "runs the config, and reads every list as a provider", async ({ path }) => {
    subscribe(connections(flow));
    const sources = {
      config: async () => runMihomoConfig(path, await body("mihomo"), entrance.mixed),
      "by its User-Agent": () => runMihomoProvider(path, `${server.url}/sub/${TOKEN}`),
      base64: () => runMihomoProvider(path, `${server.url}/sub/${TOKEN}/base64`),
      plain: () => runMihomoProvider(path, `${server.url}/sub/${TOKEN}?format=plain`),
    };
    for (const [source, start] of Object.entries(sources)) {
      const client = await running(start());
      const names = source === "base64" || source === "plain" ? SHOWN : SHOWN_BY_MIHOMO;
      await expectToShow(client, names);
      const ways: (string | null)[] = [];
      for (const name of names) {
        await client.controller.select(GROUP, name);
        ways.push(await wayOf(client));
      }
      expect([source, ways]).toEqual([source, everywhere]);
    }
  });
});

/** What YAML of some version takes for something else than a text, or doesn't print; blanks, and what JSON escapes. */
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
    const [first] = connections("");
    if (first === undefined) throw new Error("there is no connection");
    subscribe(awkwardNames.map((remark) => ({ ...first, remark })));
  };

  each("mihomo", "shows each as it is", async ({ path }) => {
    subscribeNames();
    const client = await running(runMihomoConfig(path, await body("mihomo"), entrance.mixed));
    const builtIn = (name: string) => (["VPN", "REJECT", "GLOBAL"].includes(name) ? `${name} (2)` : name);
    expect(await client.controller.proxiesOf(GROUP)).toEqual(readable.map(renamed).map(builtIn));
  });

  each("sing-box", "takes all", async ({ path }) => {
    subscribeNames();
    expect(await checkSingBoxConfig(path, await body("sing-box"))).toBe("");
  });

  each("Xray", "takes all", async ({ path }) => {
    subscribeNames();
    const configs = configsOf(await body("xray"));
    expect(configs.map(({ remarks }) => remarks)).toEqual(readable.map(renamed));
    const [first, ...rest] = configs as unknown as { outbounds: { tag: string }[] }[];
    const outbounds = rest.flatMap((config, index) => ({ ...config.outbounds[0], tag: `${index}` }));
    const all = { ...first, outbounds: [...(first?.outbounds ?? []), ...outbounds] };
    expect(await wayOf(await running(runXrayConfig(path, JSON.stringify(all), entrance.http)))).toBe("one");
  });
});

each("sing-box", "takes the config with its network interface", async ({ path }) => {
  const phones = await serveSubscriptions();
  const [first] = connections(VISION);
  if (first === undefined) throw new Error("there is no connection");
  const key = { name: "a", status: "active", upload: 0, download: 0, trafficLimit: null, expiresAt: null } as const;
  const view = { key: { ...key, usage: [], url: phones.url }, refusal: null, keyId: 1 };
  phones.views.set(TOKEN, { ...view, connections: [first] });
  const config = await (await fetch(`${phones.url}/sub/${TOKEN}/sing-box`)).text();
  await phones.stop();
  expect(config).toContain('"type": "tun"');
  expect(await checkSingBoxConfig(path, config)).toBe("");
});

describe.each([
  ["limited", "⛔ Трафик закончился", "limited", null],
  ["expired", "⛔ Срок действия истёк", "expired", null],
  ["disabled", "⛔ Ключ отключён", "disabled", null],
  ["without a node", "⛔ Серверы временно недоступны", "active", null],
  ["over its device limit", "⛔ Слишком много устройств", "active", "device_limit"],
] as const)("a subscription of a key that is %s", (what, notice, status, refusal) => {
  const hide = () => subscribe(what === "without a node" ? [] : connections(""), status, refusal);

  async function expectNoCredential(...formats: FormatName[]): Promise<void> {
    for (const format of formats) {
      const text = await body(format);
      const plain = format === "base64" ? fromBase64(text) : text;
      for (const secret of [...Object.keys(users), xray.publicKey]) expect(plain).not.toContain(secret);
      expect(plain).toContain("00000000-0000-0000-0000-000000000000");
    }
  }

  each("Xray", "loads it and goes nowhere", async ({ path }) => {
    hide();
    await expectNoCredential("xray", "plain", "base64");
    const [config, ...more] = configsOf(await body("xray"));
    expect([config?.remarks, more.length]).toEqual([notice, 0]);
    expect(
      await wayOf(await running(runXrayConfig(path, JSON.stringify(config), entrance.http)), NOWHERE_WITHIN_MS),
    ).toBeNull();
  });

  each("sing-box", "loads it and goes nowhere", async ({ path }) => {
    hide();
    await expectNoCredential("sing-box");
    const config = await body("sing-box");
    expect(config).toContain(notice);
    expect(await wayOf(await running(runSingBoxConfig(path, config, entrance.mixed)), NOWHERE_WITHIN_MS)).toBeNull();
  });

  each("mihomo", "loads it in every format and goes nowhere", async ({ path }) => {
    hide();
    await expectNoCredential("mihomo");
    const starts = [
      runMihomoConfig(path, await body("mihomo"), entrance.mixed),
      ...["mihomo", "base64", "plain"].map((format) => runMihomoProvider(path, `${server.url}/sub/${TOKEN}/${format}`)),
    ];
    for (const started of starts) {
      const client = await running(started);
      await expectToShow(client, [notice]);
      expect(await wayOf(client, NOWHERE_WITHIN_MS)).toBeNull();
    }
  });
});
