import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClientForm, ConfigClient } from "./config-inbound.ts";
import { editConfig as editAll, type InboundChanges, listClients } from "./edit-config.ts";
import { ConfigInvalidError } from "./errors.ts";
import { readJson } from "./json-source.ts";

const VLESS: ClientForm = { protocol: "vless", members: ["id", "flow"] };

/** One inbound alone. */
const editConfig = (text: string, one: InboundChanges): string => editAll(text, [one]).text;

/** That these keys have these clients, and the others of the keys 1 to 6 none. */
function changes(wanted: readonly ConfigClient[], shortId = "7bb45050"): InboundChanges {
  const none = Array.from({ length: 6 }, (_, index) => [`${index + 1}@veil`, null] as const);
  const listed = wanted.map((one) => [one.email, one] as const);
  return {
    ...{ inboundTag: "vless-in", form: VLESS },
    clients: new Map<string, ConfigClient | null>([...listed, ...none, ...listed]),
    shortId,
  };
}

function client(keyId: number, uuid = `uuid-${keyId}`, flow = ""): ConfigClient {
  return { email: `${keyId}@veil`, values: [uuid, flow] };
}

const HAND_WRITTEN = `// our server
{
    "log": { "loglevel": "warning" }, # quiet
    "inbounds": [
        { "tag": "other", "protocol": "trojan", "settings": { "clients": [{ "password": "1@veil" }] } },
        {
            "tag": "vless-in", /* the one */
            "port": 443,
            "protocol": "vless",
            "settings": {
                "clients": [
                    { "id": "hand", "email": "Admin@Home", "level": 1 }, // the admin's
                    { "id": "uuid-1", "email": "1@veil" },
                    // one that nobody knows
                    { "id": "uuid-2", "email": "2@veil" }
                ],
                "decryption": "none"
            },
            "streamSettings": {
                "security": "reality",
                "realitySettings": { "privateKey": "secret//#", "shortIds": ["0123456789abcdef"] }
            }
        }
    ]
}
`;

describe("a hand-written config", () => {
  it("gets a client in the layout of its neighbors, loses one, and keeps every comment", () => {
    const edited = editConfig(HAND_WRITTEN, changes([client(1), client(3, "uuid-3", "xtls-rprx-vision")]));
    expect(edited).toBe(
      HAND_WRITTEN.replace(
        `{ "id": "uuid-1", "email": "1@veil" },\n`,
        `{ "id": "uuid-1", "email": "1@veil" },\n                    { "id": "uuid-3", "email": "3@veil", "flow": "xtls-rprx-vision" }\n`,
      )
        .replace(`                    { "id": "uuid-2", "email": "2@veil" }\n`, "                    \n")
        .replace(`["0123456789abcdef"]`, `["0123456789abcdef","7bb45050"]`),
    );
  });

  it("stays the very same text when there is nothing to change", () => {
    expect(editConfig(HAND_WRITTEN, changes([client(2), client(1)], "0123456789ABCDEF"))).toBe(HAND_WRITTEN);
  });

  it("has another uuid put in the place of a wrong one", () => {
    const edited = editConfig(HAND_WRITTEN, changes([client(1, "right"), client(2)], "0123456789abcdef"));
    expect(edited).toBe(HAND_WRITTEN.replace(`"uuid-1"`, `"right"`));
  });
});

describe("a config without clients", () => {
  const pretty = (settings: object) =>
    JSON.stringify({ inbounds: [{ tag: "vless-in", protocol: "vless", settings }] }, null, 2);

  it("gets one on a line of its own, indented as the file is", () => {
    expect(editConfig(pretty({ clients: [], decryption: "none" }), changes([client(1), client(2)]))).toContain(
      `        "clients": [
          { "id": "uuid-1", "email": "1@veil" },
          { "id": "uuid-2", "email": "2@veil" }
        ],
        "decryption": "none"`,
    );
  });

  it("gets the list too when it lacks that", () => {
    const edited = editConfig(pretty({ decryption: "none" }), changes([client(1)]));
    expect(edited).toContain(`\n        "clients": [{ "id": "uuid-1", "email": "1@veil" }],\n        "decryption"`);
  });

  it("is empty again when its last client goes", () => {
    const empty = pretty({ clients: [], decryption: "none" });
    expect(editConfig(editConfig(empty, changes([client(1)])), changes([]))).toBe(empty);
  });

  it("stays on one line when it is on one", () => {
    const text = `{"inbounds":[{"tag":"vless-in","protocol":"vless","settings":{"clients":[]}}]}`;
    expect(editConfig(text, changes([client(1)]))).toBe(text.replace("[]", `[{ "id": "uuid-1", "email": "1@veil" }]`));
  });
});

it("leaves clients alone whom the changes do not name", () => {
  const edited = editConfig(HAND_WRITTEN, {
    ...{ inboundTag: "vless-in", form: VLESS },
    clients: new Map([["2@veil", null]]),
    shortId: "00",
  });
  expect(listClients(edited, "vless-in", VLESS).clients).toEqual([
    { email: "Admin@Home", values: ["hand", ""] },
    { email: "1@veil", values: ["uuid-1", ""] },
  ]);
});

it("takes a client that is listed twice out once", () => {
  const text = HAND_WRITTEN.replace("uuid-2", "uuid-1").replace("2@veil", "1@veil");
  const edited = editConfig(text, changes([client(1)]));
  expect(edited.match(/"email": "1@veil"/g)).toHaveLength(1);
});

describe("what can't be edited", () => {
  const inbound = { tag: "vless-in", protocol: "vless", settings: { clients: [] } };
  it.each([
    ["no JSON", "{ 'inbounds': [] }"],
    ["a trailing comma", `{ "inbounds": [], }`],
    ["an empty file", ""],
    ["half a file", HAND_WRITTEN.slice(0, 500)],
    ["a list", "[]"],
    ["no inbounds", "{}"],
    ["no such inbound", JSON.stringify({ inbounds: [{ ...inbound, tag: "other" }] })],
    ["two of that tag", JSON.stringify({ inbounds: [inbound, inbound] })],
    ["another protocol", JSON.stringify({ inbounds: [{ ...inbound, protocol: "vmess" }] })],
    ["a name twice", `{ "inbounds": [], "Inbounds": [${JSON.stringify(inbound)}] }`],
    ["clients that are no list", JSON.stringify({ inbounds: [{ ...inbound, settings: { clients: {} } }] })],
  ])("is refused: %s", (_, text) => {
    expect(() => editConfig(text, changes([client(1)]))).toThrow(ConfigInvalidError);
  });

  it("is not quoted", () => {
    const broken = HAND_WRITTEN.replace(`"secret//#"`, `"secret//#`);
    expect(() => editConfig(broken, changes([]))).toThrow(/^(?!.*secret)/);
  });
});

describe("a file that others write", () => {
  const inInbound = (settings: string) =>
    `{ "inbounds": [\n null,\n { "tag": "vless-in", "protocol": "vless",\n "settings": { ${settings} } }] }`;
  const theirs = `{ "id": "hand", "email": "admin" }`;
  const ours = `{ "id": "uuid-1", "email": "1@veil" }`;

  it.each([
    ["users, the newer name", `"users": [${theirs}]`, `"users": [${theirs},${ours}]`],
    [
      "users beside clients that are null",
      `"clients": null, "users": [${theirs}]`,
      `"clients": null, "users": [${theirs},${ours}]`,
    ],
    [
      "both, of which clients count",
      `"users": [${theirs}], "clients": []`,
      `"users": [${theirs}], "clients": [${ours}]`,
    ],
    ["neither", `"decryption": "none"`, `"clients": [${ours}], "decryption": "none"`],
    ["null for both", `"clients": null, "users": null`, `"clients": [${ours}], "users": null`],
  ])("has its list of users where Xray looks for it: %s", (_, before, after) => {
    const edited = editConfig(inInbound(before), changes([client(1)]));
    expect(edited.replace(/\s/g, "")).toBe(inInbound(after).replace(/\s/g, ""));
    expect(listClients(edited, "vless-in", VLESS).clients.at(-1)).toEqual(client(1));
    expect(editConfig(edited, changes([client(1)]))).toBe(edited);
  });

  it.each([
    `{ "ID": "uuid-1", "Email": "1@veil", "flow": null }`,
    `{ "id": "uuid-1", "email": "1@veil", "flow": "" }`,
    `{ "id": "uuid-1", "email": "1@veil", "level": null }`,
  ])("has a client of ours in any spelling: %s", (spelled) => {
    const text = inInbound(`"Clients": [${spelled}]`);
    expect(editConfig(text, changes([client(1)]))).toBe(text);
    expect(editConfig(text, changes([]))).toBe(inInbound(`"Clients": []`));
  });

  it.each([
    ["a name twice in a client", inInbound(`"clients": [\n{ "id": "a", "ID": "b", "email": "x" }]`), "in line 5"],
    ["users that are no list", inInbound(`\n"users": {}`), "in line 5"],
    ["settings that are null", inInbound("").replace("{  }", "null"), "in line 3"],
    [
      "text behind the last brace",
      `${inInbound(`"clients": []`)}\n}\n`,
      "text stands behind its last brace, in line 5",
    ],
    ["a second value", `${inInbound(`"clients": []`)} // ours\n\n{}`, "text stands behind its last brace, in line 6"],
  ])("is left as it is, and the place is named: %s", (_, text, place) => {
    expect(() => editConfig(text, changes([client(1)]))).toThrow(place);
  });
});

describe("whatever the layout", () => {
  const gap = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("", " ", "\n", "\r\n  ", "\t") },
    fc.constantFrom('// a, ] } " comment\n', "# { [ comment\n", '/* [ " , */', "/* two\nlines */ "),
  );
  const uuid = fc.constantFrom("uuid-a", "uuid-b");
  const listed = fc.oneof(
    fc.record({ id: uuid, email: fc.integer({ min: 1, max: 6 }).map((keyId) => `${keyId}@veil`) }),
    fc.record({ id: uuid, email: fc.constantFrom("Admin", "1@VEIL", 'quo"te@x', "uml\u00e4ut //#/*") }),
    fc.record({ id: uuid, level: fc.nat(3) }),
  );
  const desired = fc
    .uniqueArray(fc.integer({ min: 1, max: 6 }))
    .chain((keyIds) => fc.tuple(...keyIds.map((keyId) => uuid.map((id) => client(keyId, id)))));

  /** The value as text, with the next of the gaps wherever one may stand but within a client. */
  function written(value: unknown, next: () => string): string {
    if (Array.isArray(value))
      return `[${value.map((item) => next() + written(item, next) + next()).join(",")}${next()}]`;
    if (typeof value !== "object" || value === null || "id" in value) return JSON.stringify(value);
    const members = Object.entries(value).map(
      ([name, member]) => `${next()}${JSON.stringify(name)}${next()}:${next()}${written(member, next)}${next()}`,
    );
    return `{${members.join(",")}${next()}}`;
  }

  function configOf(clients: readonly object[], shortIds: readonly string[]) {
    return {
      note: 'not a // comment, "nor" # this',
      inbounds: [
        { tag: "other", protocol: "vless", settings: { clients: [{ id: "x", email: "1@veil" }] } },
        {
          protocol: "VLESS",
          settings: { decryption: "none", clients },
          streamSettings: { realitySettings: { shortIds } },
          tag: "vless-in",
        },
      ],
    };
  }

  it("the lists become what they must be, unmanaged clients come first as they were, and a second time changes nothing", () => {
    fc.assert(
      fc.property(fc.array(listed), desired, fc.array(gap, { minLength: 1 }), (clients, wanted, gaps) => {
        let at = 0;
        const next = () => gaps[at++ % gaps.length] ?? "";
        const text = next() + written(configOf(clients, ["00"]), next) + next();

        const edited = editConfig(text, changes(wanted));

        const seen = new Set<string>();
        const kept = clients.flatMap((item): object[] => {
          if (!("email" in item) || !item.email.endsWith("@veil")) return [item];
          const want = wanted.find(({ email }) => email === item.email);
          if (want === undefined || seen.has(item.email)) return [];
          seen.add(item.email);
          return [{ id: want.values[0], email: want.email }];
        });
        const added = wanted.filter(({ email }) => !seen.has(email)).map(({ email, values: [id] }) => ({ id, email }));
        expect(JSON.parse(readJson(edited).bare)).toEqual(configOf([...kept, ...added], ["00", "7bb45050"]));
        expect(editConfig(edited, changes(wanted))).toBe(edited);
        expect(commentsIn(edited)).toEqual(commentsIn(text));
      }),
      { numRuns: 1_000 },
    );
  });

  /** How often each character stands in a comment: comments may move, but nothing of them may get lost. */
  function commentsIn(text: string): Map<string, number> {
    const { bare } = readJson(text);
    const counts = new Map<string, number>();
    for (let index = 0; index < text.length; index += 1) {
      const character = text.charAt(index);
      if (bare.charAt(index) !== character) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    return counts;
  }
});

describe("the flow for all", () => {
  it.each([
    [`"decryption": "none"`, ""],
    [`"flow": "xtls-rprx-vision", "decryption": "none"`, "xtls-rprx-vision"],
    [`"Flow": "xtls-rprx-vision"`, "xtls-rprx-vision"],
    [`"clients": [{ "id": "a", "email": "a", "flow": "xtls-rprx-vision" }]`, ""],
  ])("reads settings of %s", (members, flow) => {
    const text = `{ "inbounds": [{ "tag": "vless-in", "protocol": "vless", "settings": { ${members} } }] }`;
    expect(listClients(text, "vless-in", VLESS).defaultFlow).toBe(flow);
  });
});

describe("several inbounds", () => {
  const trojan: ClientForm = { protocol: "trojan", members: ["password"] };
  const shadowsocks: ClientForm = { protocol: "shadowsocks", members: ["password"] };
  const CONFIG = `{
  "inbounds": [
    { "tag": "a", "protocol": "vless", "settings": { "clients": [], "decryption": "none" } },
    { "tag": "b", "protocol": "Trojan", "settings": {} }, // no clients yet
    { "tag": "c", "protocol": "shadowsocks", "settings": {
        "method": "2022-blake3-aes-128-gcm", "password": "k", "clients": [{ "email": "first", "password": "p" }] } }
  ]
}`;
  const of = (inboundTag: string, form: ClientForm, clients: readonly ConfigClient[]): InboundChanges => {
    return { inboundTag, form, shortId: "00", clients: new Map(clients.map((one) => [one.email, one])) };
  };
  const ours = (secret: string): ConfigClient => ({ email: "1@veil", values: [secret] });
  const all = [
    of("a", VLESS, [{ email: "1@veil", values: ["u", "xtls-rprx-vision"] }]),
    of("b", trojan, [ours("t")]),
    of("c", shadowsocks, [ours("s")]),
  ];

  it("are changed together, each with clients of its protocol, and nothing else", () => {
    const { text, faults } = editAll(CONFIG, all);
    expect(faults.size).toBe(0);
    expect(text).toBe(
      CONFIG.replace(`[]`, `[\n      { "id": "u", "email": "1@veil", "flow": "xtls-rprx-vision" }\n    ]`)
        .replace(`{},`, "{},")
        .replace(`"settings": {} }`, `"settings": { "clients": [{ "password": "t", "email": "1@veil" }] } }`)
        .replace(`"p" }]`, `"p" },{ "password": "s", "email": "1@veil" }]`),
    );
    expect(editAll(text, all).text).toBe(text);
    const read = [listClients(text, "a", VLESS), listClients(text, "b", trojan), listClients(text, "c", shadowsocks)];
    expect(read.map(({ clients }) => clients.at(-1)?.values)).toEqual([["u", "xtls-rprx-vision"], ["t"], ["s"]]);
  });

  it("fail alone", () => {
    const { text, faults } = editAll(CONFIG.replace('"Trojan"', '"vmess"'), all);
    expect([...faults.keys()]).toEqual([1]);
    expect(listClients(text, "c", shadowsocks).clients).toHaveLength(2);
    const lacking = [of("x", VLESS, []), of("b", VLESS, [])];
    expect(editAll(CONFIG, lacking)).toEqual({
      text: CONFIG,
      faults: new Map(lacking.map((_, index) => [index, expect.any(ConfigInvalidError)])),
    });
    expect(() => editAll("{", all)).toThrow(ConfigInvalidError);
  });

  it.each([
    ["of another method", CONFIG.replace("2022-blake3-aes-128-gcm", "aes-128-gcm")],
    ["of the method that knows no users", CONFIG.replace("aes-128-gcm", "chacha20-poly1305")],
    ["a relay", CONFIG.replace(`"first",`, `"first", "address": "10.0.0.1", "port": 1,`)],
  ])("of Shadowsocks are left as they are where they are none for many users: %s", (_, text) => {
    expect(() => listClients(text, "c", shadowsocks)).toThrow(/not one of Shadowsocks 2022 for many users, in line/);
  });

  it("of Shadowsocks keep a client, since without any everybody gets in who knows the server's key", () => {
    const key = randomBytes(16).toString("base64");
    const two = [1, 2].map((id) => `{ "email": "${id}@veil", "password": "${key}" }`).join(", ");
    const alone = CONFIG.replace(`{ "email": "first", "password": "p" }`, two);
    const none: InboundChanges = {
      ...of("c", shadowsocks, []),
      clients: new Map(["1@veil", "2@veil"].map((e) => [e, null])),
    };
    const { text } = editAll(alone, [none]);
    const [nobody, ...more] = listClients(text, "c", shadowsocks).clients;
    expect([nobody?.email, more]).toEqual(["nobody", []]);
    expect(nobody?.values[0]).not.toBe(key);
    expect(Buffer.from(nobody?.values[0] ?? "", "base64")).toHaveLength(16);
    expect(editAll(text, [none]).text).toBe(text);
    const back = editAll(text, [of("c", shadowsocks, [ours(key)])]).text;
    expect(listClients(back, "c", shadowsocks).clients.map(({ email }) => email)).toEqual(["nobody", "1@veil"]);
    expect(editAll(editAll(CONFIG, all).text, [none]).text).not.toContain(`"s"`);
  });

  it("keep their short ids where none is named", () => {
    const [first] = all;
    const text = CONFIG.replace(`"none" }`, `"none" }, "streamSettings": { "realitySettings": { "shortIds": [] } }`);
    if (first !== undefined) expect(editAll(text, [{ ...first, shortId: null }]).text).toContain(`"shortIds": []`);
  });
});
