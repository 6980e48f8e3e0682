import { type Connection, shadowsocks2022, type TrojanConnection, type VlessConnection } from "@veil/protocols";
import type { Subscription, SubscriptionKey } from "../src/subscription.ts";

export const UUID = "66ad4540-b58c-4ad2-9926-ea63445a9b57";
export const PUBLIC_KEY = "Z84J2IelR9ch3k8VtlVhhs5ycBUlXA7wHBWcBrjqnAw";

export function exampleConnection(overrides: Partial<VlessConnection> = {}): VlessConnection {
  return {
    protocol: "vless",
    remark: "Anna",
    address: "vpn.example.com",
    port: 443,
    uuid: UUID,
    flow: "xtls-rprx-vision",
    security: {
      kind: "reality",
      sni: "www.example.org",
      publicKey: PUBLIC_KEY,
      shortId: "7e450500",
      fingerprint: "chrome",
      spiderX: "/",
    },
    transport: { kind: "tcp" },
    ...overrides,
  };
}

export const PASSWORD = "z5jMwpSr4Ikk04YRq1e2Jg";

export function exampleTrojan(overrides: Partial<TrojanConnection> = {}): Connection {
  const { uuid: _, flow: _flow, ...place } = exampleConnection();
  return { ...place, protocol: "trojan", password: PASSWORD, remark: "T", ...overrides };
}

export const SERVER_KEY = Buffer.alloc(16, 0xfb).toString("base64");

export function exampleShadowsocks(): Connection {
  const place = { host: "vpn.example.com", port: 443, sni: "", publicKey: "", shortId: "", fingerprint: "" };
  return shadowsocks2022.connectionOf(
    { uuid: UUID, flow: "", remark: "S" },
    { ...place, serverKey: SERVER_KEY, noFlow: "omit" },
  );
}

export function exampleSubscription(
  key: Partial<SubscriptionKey> = {},
  rest: Partial<Omit<Subscription, "key">> = {},
): Subscription {
  return {
    key: {
      name: "Anna",
      status: "active",
      upload: 1,
      download: 2,
      trafficLimit: 3,
      expiresAt: 4,
      holdFor: null,
      usage: [],
      url: "https://sub.example.com/sub/v7Kq2mZx9LbR4tYcW8sJhN3f",
      ...key,
    },
    connections: [exampleConnection()],
    refusal: null,
    ...rest,
  };
}
