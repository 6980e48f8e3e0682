import type { DesiredUser } from "@veil/keys";
import { PLAIN_KIND, protocolNamed } from "@veil/protocols";
import { expect, test } from "vitest";
import { type ActualUser, diffUsers } from "./diff-users.ts";

const uuid = (keyId: number) => `00000000-0000-4000-8000-${String(keyId).padStart(12, "0")}`;
const user = (keyId: number): ActualUser => ({
  email: `${keyId}@veil`,
  keyId,
  account: { protocol: "vless", uuid: uuid(keyId), flow: "" },
});
const desired = (...keys: DesiredUser[]) => new Map(keys.map((key) => [key.keyId, key]));
const want = (keyId: number, indeterminate: string[] = []): DesiredUser => ({
  groups: ["default"],
  keyId,
  uuid: uuid(keyId),
  flow: "",
  indeterminate,
});
const nothing = { missing: [], wrong: [], indeterminate: [], orphans: [] };

test("equal sets have no drift", () => {
  expect(diffUsers({ name: "main" }, [user(1), user(2)], desired(want(1), want(2)), new Set())).toEqual(nothing);
});

test("what is wanted and absent is missing, what is there and unwanted is an orphan", () => {
  expect(diffUsers({ name: "main" }, [user(1), user(3)], desired(want(1), want(2)), new Set())).toEqual({
    ...nothing,
    missing: [want(2)],
    orphans: [3],
  });
});

test("a key that is being created is no orphan", () => {
  expect(diffUsers({ name: "main" }, [user(7)], desired(), new Set([7]))).toEqual(nothing);
});

test("another uuid, an account of another protocol, or another flow is wrong", () => {
  const changed: ActualUser[] = [
    { ...user(1), account: { protocol: "vless", uuid: uuid(9), flow: "" } },
    { ...user(2), account: null },
    { ...user(3), account: { protocol: "vless", uuid: uuid(3), flow: "xtls-rprx-vision" } },
    user(4),
  ];
  const vision: DesiredUser = { ...want(4), flow: "xtls-rprx-vision" };
  expect(diffUsers({ name: "main" }, changed, desired(want(1), want(2), want(3), vision), new Set())).toEqual({
    ...nothing,
    wrong: [want(1), want(2), want(3), vision],
  });
});

test("a right user is indeterminate only on the node that the key names", () => {
  expect(diffUsers({ name: "main" }, [user(1)], desired(want(1, ["main"])), new Set()).indeterminate).toEqual([
    want(1, ["main"]),
  ]);
  expect(diffUsers({ name: "other" }, [user(1)], desired(want(1, ["main"])), new Set())).toEqual(nothing);
});

test("unmanaged users are never drift", () => {
  expect(
    diffUsers({ name: "main" }, [{ ...user(5), email: "friend@example.com", keyId: null }], desired(), new Set()),
  ).toEqual(nothing);
});

test("compares with the account that the place takes: another protocol's, and no flow but over TCP", () => {
  const trojan = { name: "main", kind: { ...PLAIN_KIND, protocol: "trojan" } } as const;
  const ofKey = (keyId: number) => ({ ...user(keyId), account: protocolNamed("trojan").accountOf(want(keyId)) });
  const mixed = diffUsers(
    trojan,
    [ofKey(1), user(2), { ...ofKey(1), keyId: 3 }],
    desired(want(1), want(2), want(3)),
    new Set(),
  );
  expect(mixed.wrong.map(({ keyId }) => keyId)).toEqual([2, 3]);
  const serverKey = Buffer.alloc(32, 1).toString("base64");
  const long = { name: "main", kind: { ...PLAIN_KIND, protocol: "shadowsocks-2022", serverKey } } as const;
  const short = { ...long, kind: { ...long.kind, serverKey: Buffer.alloc(16, 1).toString("base64") } };
  const ofLong = { ...user(1), account: protocolNamed("shadowsocks-2022").accountOf(want(1), long.kind) };
  expect(diffUsers(long, [ofLong], desired(want(1)), new Set())).toEqual(nothing);
  expect(diffUsers(short, [ofLong], desired(want(1)), new Set()).wrong).toEqual([want(1)]);
  const xhttp = { name: "main", kind: { ...PLAIN_KIND, transport: "xhttp", path: "/a" } } as const;
  const vision = { ...want(1), flow: "xtls-rprx-vision" } as const;
  expect(diffUsers(xhttp, [user(1)], desired(vision), new Set())).toEqual(nothing);
  expect(diffUsers({ name: "main" }, [user(1)], desired(vision), new Set()).wrong).toEqual([vision]);
});
