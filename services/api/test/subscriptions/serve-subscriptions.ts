import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { DEFAULT_ENTRANCE } from "@veil/subscriptions";
import express from "express";
import type { FailureLimit } from "../../src/http/failure-limit.ts";
import { identifyRequest } from "../../src/http/request-context.ts";
import type { SubscriptionSettings, SubscriptionView } from "../../src/subscriptions/ports.ts";
import { subscriptionRouter } from "../../src/subscriptions/subscription-router.ts";
import { RecordingLog } from "../in-memory/recording-log.ts";

/** The router of subscriptions by itself, over subscriptions that a test makes up. */
export interface SubscriptionServer {
  readonly url: string;
  /** By token; a test adds and changes them. */
  readonly views: Map<string, SubscriptionView>;
  stop(): Promise<void>;
}

const settings: SubscriptionSettings = {
  language: "en",
  noFlow: "omit",
  entrance: DEFAULT_ENTRANCE,
  title: null,
  updateIntervalHours: 12,
  supportUrl: null,
  pageUrl: null,
  announce: null,
  userAgentRules: [],
  timeZone: "UTC",
};

/** Serves on a free port of loopback. */
export async function serveSubscriptions(
  overrides: Partial<SubscriptionSettings> = {},
  now: () => number = () => Math.floor(Date.now() / 1_000),
  failures: FailureLimit = { fail: async () => null },
): Promise<SubscriptionServer> {
  const views = new Map<string, SubscriptionView>();
  const app = express();
  app.disable("x-powered-by");
  const subscriptions = { findByToken: async (token: string) => views.get(token) ?? null };
  app.use(identifyRequest(new RecordingLog(), randomUUID, Date));
  app.use(subscriptionRouter({ subscriptions, settings: { ...settings, ...overrides }, failures, now }));
  const server = createServer((request, response) => void app(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    views,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
