import { describe, expect, it } from "vitest";
import { PLAIN_KIND } from "./inbound-kind.ts";
import { type RunningInbound, runningFault, type SaidInbound } from "./running-inbound.ts";

const [KEY, OTHER] = ["k".repeat(43), "o".repeat(43)];
const vless: SaidInbound = { ...PLAIN_KIND, publicKey: KEY, shortId: "7BB4", sni: "a.example" };
const runsVless: RunningInbound = {
  ...{ protocol: "vless", transport: "tcp", path: null, host: null, asks: null, serverKey: null, encryption: null },
  reality: { publicKey: KEY, serverNames: ["a.example", "b.example"], shortIds: ["7bb4000000000000"] },
};
const xhttp: SaidInbound = { ...vless, transport: "xhttp", path: "/a" };
const shadowsocks: SaidInbound = {
  ...PLAIN_KIND,
  protocol: "shadowsocks-2022",
  serverKey: "S",
  publicKey: null,
  shortId: null,
  sni: null,
};
const runsShadowsocks: RunningInbound = { ...runsVless, protocol: "shadowsocks-2022", reality: null, serverKey: "S" };
const encrypted = (text: string): SaidInbound => ({ ...vless, encryption: `mlkem768x25519plus.${text}` });
const runsXhttp: RunningInbound = { ...runsVless, transport: "xhttp", path: "/a" };
const runsEncrypted = (mode: string, ...publicKeys: (string | null)[]): RunningInbound => ({
  ...runsVless,
  encryption: { mode, publicKeys },
});
const LONG = "m".repeat(1_579);
const OTHER_KEY = "has another key of VLESS encryption than encryption";
const OTHER_KEYS: [SaidInbound, RunningInbound][] = [
  [encrypted(`native.0rtt.${OTHER}`), runsEncrypted("native", KEY)],
  [encrypted(`native.0rtt.${KEY}`), runsEncrypted("native", null)],
  [encrypted(`native.0rtt.${LONG}`), runsEncrypted("native", KEY)],
  [encrypted(`native.0rtt.${KEY}`), runsEncrypted("native", KEY, null)],
  [encrypted(`native.0rtt.${OTHER}.${LONG}`), runsEncrypted("native", KEY, null)],
];

describe("what is said of an inbound", () => {
  it.each<[string, SaidInbound, RunningInbound]>([
    ["the same", vless, runsVless],
    ["nothing of Reality", { ...vless, publicKey: null, shortId: null, sni: null }, runsVless],
    [
      "a key where Xray's makes no sense",
      vless,
      { ...runsVless, reality: { publicKey: null, serverNames: ["a.example"], shortIds: ["7bb4"] } },
    ],
    ["a path", xhttp, runsXhttp],
    ["a path with other slashes and a query", xhttp, { ...runsXhttp, path: "a/?ed=2048" }],
    ["the server name as the host of XHTTP", xhttp, { ...runsXhttp, host: "A.example" }],
    ["no server name, and a host of XHTTP", { ...xhttp, sni: null }, { ...runsXhttp, host: "b.example" }],
    ["Shadowsocks", shadowsocks, runsShadowsocks],
    ["encryption", encrypted(`native.0rtt.${KEY}`), runsEncrypted("native", KEY)],
    ["encryption with padding", encrypted(`native.1rtt.100-111-1111.${KEY}`), runsEncrypted("native", KEY)],
    ["encryption by ML-KEM", encrypted(`random.0rtt.${LONG}`), runsEncrypted("random", null)],
    ["encryption by both", encrypted(`native.0rtt.${KEY}.${LONG}`), runsEncrypted("native", KEY, null)],
    ["encryption over a relay", encrypted(`native.0rtt.${OTHER}.${KEY}`), runsEncrypted("native", KEY)],
  ])("agrees with what runs: %s", (_, said, runs) => {
    expect(runningFault(said, runs)).toBeNull();
  });

  it.each<[string, SaidInbound, RunningInbound]>([
    ["takes users of trojan, not of vless", vless, { ...runsVless, protocol: "trojan" }],
    ["speaks tcp, not xhttp", xhttp, runsVless],
    ["speaks another transport, not tcp", vless, { ...runsVless, transport: null }],
    ["is found under the path /b, not /a", xhttp, { ...runsXhttp, path: "/b" }],
    ["is found under the path //a, not /a", xhttp, { ...runsXhttp, path: "//a" }],
    ["takes the XHTTP host b.example alone, not the sni a.example", xhttp, { ...runsXhttp, host: "b.example" }],
    ["asks for more", xhttp, { ...runsXhttp, asks: "asks for more" }],
    ["does not speak Reality", vless, { ...runsVless, reality: null }],
    [`has the public_key ${KEY}, not ${OTHER}`, { ...vless, publicKey: OTHER }, runsVless],
    ["takes the server names a.example, b.example, not the sni c.example", { ...vless, sni: "c.example" }, runsVless],
    ["takes the short ids 7bb4, not the short_id 7b", { ...vless, shortId: "7b" }, runsVless],
    ['takes the short ids 7bb4, not the short_id ""', { ...vless, shortId: "" }, runsVless],
    ["has another key of the server than server_key", { ...shadowsocks, serverKey: "T" }, runsShadowsocks],
    ["asks for VLESS encryption, and no encryption is named", vless, runsEncrypted("native", KEY)],
    ["has no VLESS encryption", encrypted(`native.0rtt.${KEY}`), runsVless],
    ["has the VLESS encryption xorpub, not native", encrypted(`native.0rtt.${KEY}`), runsEncrypted("xorpub", KEY)],
    ...OTHER_KEYS.map(([said, runs]): [string, SaidInbound, RunningInbound] => [OTHER_KEY, said, runs]),
  ])("is refused where clients would not get in: %s", (fault, said, runs) => {
    expect(runningFault(said, runs)).toBe(fault);
  });
});
