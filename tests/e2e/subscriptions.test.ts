import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { FormatName, KeyStatus, Refusal } from "@veil/subscriptions";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eachProgram } from "../support/each-program.ts";
import { type Outcome, OutcomeTable, partOfDocument } from "../support/outcome-table.ts";
import { findRealPrograms, type RealProgram } from "../support/real-programs.ts";
import {
  type MihomoOfConfig,
  runMihomoConfig,
  runMihomoProvider,
  runSingBoxConfig,
  runXrayConfig,
} from "../support/subscription-clients.ts";
import {
  hasIpv6,
  places,
  startSubscriptionTestbed,
  type SubscriptionTestbed,
  VISION,
} from "../support/subscription-testbed.ts";
import type { VpnClient } from "../support/vpn-client.ts";

/** Requests that go nowhere are waited for less long: mihomo tries for five seconds. */
const NOWHERE_WITHIN_MS = 2_000;
const GROUP = "VPN";

const AWKWARD_NAME = `  #?%&+"' Ключ 🛡️: ,{[<b>\\`;
/** The name of a proxy of mihomo's own, and characters that YAML doesn't count as printable. */
const NAMES = [AWKWARD_NAME, AWKWARD_NAME, "DIRECT", "🇩🇪 \u007F\uFEFF\n№ 4", "5", "6", "7"];
const SHOWN = [AWKWARD_NAME, `${AWKWARD_NAME} (2)`, "DIRECT", "🇩🇪 \u007F\uFEFF\n№ 4", "5", "6", "7"];
/** Names as mihomo's converter shows them. */
const SHOWN_BY_MIHOMO = [AWKWARD_NAME, `${AWKWARD_NAME} (2)`, "DIRECT (2)", "🇩🇪 \u007F\uFEFF\n№ 4", "5", "6", "7"];

/** Keys that have no connections: what they are called in the table, what every format says, and why. */
const outOfService: readonly [what: string, notice: string, status: KeyStatus, refusal: Refusal | null][] = [
  ["limited", "⛔ Трафик закончился", "limited", null],
  ["expired", "⛔ Срок действия истёк", "expired", null],
  ["disabled", "⛔ Ключ отключён", "disabled", null],
  ["no node", "⛔ Серверы временно недоступны", "active", null],
  ["too many devices", "⛔ Слишком много устройств", "active", "device_limit"],
  ["no device id", "⛔ Приложение не сообщает своё устройство", "active", "device_id_missing"],
];

const OTHER_COLUMNS: ReadonlyMap<string, string> = new Map([
  ["trojan", "Trojan"],
  ["shadowsocks", "Shadowsocks"],
  ["xhttp", "XHTTP"],
  ["encrypted", "VLESS encryption"],
]);
const columnOf = (tag: string, flow: string) => {
  const other = OTHER_COLUMNS.get(tag);
  if (other !== undefined) return other;
  const place = tag === "six" ? "IPv6" : `node ${tag === "one" ? 1 : 2}`;
  return flow === VISION ? `${place}, Vision` : place;
};
const connectionColumns = ["", VISION].flatMap((flow) => places.map(({ tag }) => columnOf(tag, flow)));
const table = new OutcomeTable(
  ["format", "program"],
  [...new Set(connectionColumns), ...outOfService.map(([what]) => what)],
);

const programs = await findRealPrograms();
const each = (prefix: string, what: string, run: (program: RealProgram) => Promise<void>) =>
  eachProgram(programs, prefix, what, run);

let testbed: SubscriptionTestbed;
let xrayVersion = "";
const clients: VpnClient[] = [];

beforeAll(async () => {
  const xray = programs[0]?.path ?? "";
  testbed = await startSubscriptionTestbed(xray);
  xrayVersion = (await promisify(execFile)(xray, ["version"])).stdout.split(" ")[1] ?? "";
});

afterEach(() => Promise.all(clients.splice(0).map((client) => client.stop())));

afterAll(() => testbed.stop());

async function running<Client extends VpnClient>(started: Promise<Client>): Promise<Client> {
  const client = await started;
  clients.push(client);
  return client;
}

const titleOf = ({ name }: RealProgram) => (name === "Xray" ? `Xray ${xrayVersion}` : name);

/** A provider is fetched after the start. */
async function expectToShow({ controller }: MihomoOfConfig, names: readonly string[]): Promise<void> {
  await expect.poll(() => controller.proxiesOf(GROUP)).toEqual(names);
}

const configsOf = (text: string) => JSON.parse(text) as { remarks: string }[];
const linesOf = (text: string) => text.trimEnd().split("\n");
const fromBase64 = (text: string) => Buffer.from(text, "base64").toString();
/** Both lists, link by link, as an app reads them that gives its core one at a time. */
const linkLists = async () => ({
  base64: linesOf(fromBase64(await testbed.body("base64"))),
  plain: linesOf(await testbed.body("plain")),
});

/** How mihomo is given a subscription: what the answer is called, and how it is started with it. */
const mihomoSources = (path: string): readonly [format: string, start: () => Promise<MihomoOfConfig>][] => [
  ["mihomo", async () => runMihomoConfig(path, await testbed.body("mihomo"), testbed.entrance.mixed)],
  ["mihomo, as a provider", () => runMihomoProvider(path, testbed.url)],
  ["base64", () => runMihomoProvider(path, `${testbed.url}/base64`)],
  ["plain", () => runMihomoProvider(path, `${testbed.url}?format=plain`)],
];

describe.each(["", VISION])("a subscription of a key with the flow %j", (flow) => {
  const everywhere = places.map(({ tag }) => tag);

  function subscribe(): void {
    testbed.subscribe(AWKWARD_NAME, testbed.connections(flow, NAMES));
  }

  /**
   * Fails when another way was taken than the entries say, and notes those that were.
   *
   * @param unusable the place of an entry of which the program makes nothing that connects
   */
  function expectWays(format: string, program: RealProgram, ways: readonly (string | null)[], unusable?: string): void {
    const wanted = everywhere.slice(0, ways.length).map((tag) => (tag === unusable ? null : tag));
    expect([format, ways]).toEqual([format, wanted]);
    for (const [index, tag] of everywhere.entries()) {
      const outcome: Outcome = tag === unusable ? "unusable" : index < ways.length ? "bytes" : "left out";
      table.note([format, titleOf(program)], columnOf(tag, flow), outcome);
    }
  }

  each("Xray", "runs each config of the array", async (program) => {
    subscribe();
    const configs = configsOf(await testbed.body("xray"));
    expect(configs.map(({ remarks }) => remarks)).toEqual(SHOWN);
    const ways: (string | null)[] = [];
    for (const config of configs) {
      const client = await runXrayConfig(program.path, JSON.stringify(config), testbed.entrance.http);
      ways.push(await testbed.wayOf(client));
      await client.stop();
    }
    expectWays("xray", program, ways);
  });

  for (const [prefix, words] of [
    ["Xray", everywhere.length],
    // It has no XHTTP and no VLESS encryption.
    ["sing-box", everywhere.length - 2],
  ] as const) {
    each(prefix, "connects with each link of the lists", async (program) => {
      subscribe();
      for (const [format, links] of Object.entries(await linkLists())) {
        const ways: (string | null)[] = [];
        for (const link of links.slice(0, words)) {
          ways.push(await testbed.wayOf(await running(program.start(link))));
        }
        expectWays(format, program, ways);
      }
    });
  }

  each("sing-box", "runs the config, whichever node comes first", async (program) => {
    const all = testbed.connections(flow, NAMES);
    const ways: (string | null)[] = [];
    for (const first of all.slice(0, everywhere.length - 2)) {
      testbed.subscribe(AWKWARD_NAME, [first, ...all.filter((other) => other !== first)]);
      const client = await runSingBoxConfig(program.path, await testbed.body("sing-box"), testbed.entrance.mixed);
      ways.push(await testbed.wayOf(client));
      await client.stop();
    }
    expectWays("sing-box", program, ways);
  });

  each("mihomo", "runs the config, and reads every list as a provider", async (program) => {
    subscribe();
    for (const [format, start] of mihomoSources(program.path)) {
      const client = await running(start());
      const names = format.startsWith("mihomo") ? SHOWN_BY_MIHOMO : SHOWN;
      await expectToShow(client, names);
      // It listens before it has loaded all, and hangs up on what comes meanwhile.
      await expect.poll(() => testbed.wayOf(client)).toBe("one");
      const ways: (string | null)[] = [];
      for (const name of names) {
        await client.controller.select(GROUP, name);
        ways.push(await testbed.wayOf(client));
      }
      // It reads no Reality out of links of Trojan.
      expectWays(format, program, ways, format.startsWith("mihomo") ? undefined : "trojan");
    }
  });
});

describe.each(outOfService)("a subscription of a key that is out of service: %s", (what, notice, status, refusal) => {
  const hide = () =>
    testbed.subscribe(AWKWARD_NAME, what === "no node" ? [] : testbed.connections("", NAMES), status, refusal);

  async function expectNoCredential(...formats: FormatName[]): Promise<void> {
    for (const format of formats) {
      const text = await testbed.body(format);
      const plain = format === "base64" ? fromBase64(text) : text;
      for (const secret of testbed.secrets) expect(plain).not.toContain(secret);
      expect(plain).toContain("00000000-0000-0000-0000-000000000000");
    }
  }

  async function expectNowhere(format: string, program: RealProgram, client: VpnClient): Promise<void> {
    expect([format, await testbed.wayOf(client, NOWHERE_WITHIN_MS)]).toEqual([format, null]);
    table.note([format, titleOf(program)], what, "notice");
  }

  each("Xray", "loads it and goes nowhere", async (program) => {
    hide();
    await expectNoCredential("xray", "plain", "base64");
    const [config, ...more] = configsOf(await testbed.body("xray"));
    expect([config?.remarks, more.length]).toEqual([notice, 0]);
    const started = runXrayConfig(program.path, JSON.stringify(config), testbed.entrance.http);
    await expectNowhere("xray", program, await running(started));
  });

  for (const prefix of ["Xray", "sing-box"]) {
    each(prefix, "takes the link and goes nowhere", async (program) => {
      hide();
      for (const [format, [link = "", ...more]] of Object.entries(await linkLists())) {
        expect([decodeURIComponent(link.split("#")[1] ?? ""), more]).toEqual([notice, []]);
        await expectNowhere(format, program, await running(program.start(link)));
      }
    });
  }

  each("sing-box", "loads it and goes nowhere", async (program) => {
    hide();
    await expectNoCredential("sing-box");
    const config = await testbed.body("sing-box");
    expect(config).toContain(notice);
    await expectNowhere(
      "sing-box",
      program,
      await running(runSingBoxConfig(program.path, config, testbed.entrance.mixed)),
    );
  });

  each("mihomo", "loads it in every format and goes nowhere", async (program) => {
    hide();
    await expectNoCredential("mihomo");
    for (const [format, start] of mihomoSources(program.path)) {
      const client = await running(start());
      await expectToShow(client, [notice]);
      await expectNowhere(format, program, client);
    }
  });
});

test.skipIf(!hasIpv6 || programs.some(({ leftOut }) => leftOut !== null))(
  "what became of every answer in every program stands in the documents",
  async () => {
    const documented = await partOfDocument(new URL("../../docs/subscriptions.md", import.meta.url), "programs");
    expect(documented).toBe(table.text());
  },
);
