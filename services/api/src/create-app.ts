import type { BlockList } from "node:net";
import { messages } from "@veil/http-contract";
import compression from "compression";
import express, { type Express } from "express";
import { docsAssets } from "./docs/docs-assets.ts";
import { allowAddresses, type TrustedProxies, trustProxies } from "./http/allow-addresses.ts";
import { type ApiSecret, bearerAuth } from "./http/bearer-auth.ts";
import { endpointRoutes } from "./http/endpoint-routes.ts";
import { classifyFailure, handleError } from "./http/error-reply.ts";
import type { FailureLimit } from "./http/failure-limit.ts";
import {
  conditionalReads,
  crossOrigin,
  type OriginPolicy,
  privateAnswers,
  refuseMalformedPath,
  securityHeaders,
} from "./http/headers.ts";
import { HttpError } from "./http/http-error.ts";
import { limitDocs, limitRate, type RateLimit } from "./http/limit-rate.ts";
import { type FinishedRequest, logRequest } from "./http/log-request.ts";
import { identifyRequest } from "./http/request-context.ts";
import { fileRoutes } from "./http/send-reply.ts";
import type { WriteRecords } from "./idempotency/write-records.ts";
import { DeferredWrites } from "./jobs/deferred-writes.ts";
import type { OperationPorts } from "./operation-ports.ts";
import { createOperations } from "./operations.ts";
import type { Logger } from "./ports.ts";
import { subscriptionRouter, type SubscriptionRouterOptions } from "./subscriptions/subscription-router.ts";
import { KnownTokens } from "./tokens/known-tokens.ts";

/** The options that the public applications share. */
interface PublicDependencies extends Pick<OperationPorts, "newId"> {
  readonly clock: Pick<OperationPorts["clock"], "now">;
  readonly trustedProxies: TrustedProxies;
  readonly origins: OriginPolicy;
  readonly log: Logger;
  /** Called with every request when it is over. */
  readonly onFinished: (request: FinishedRequest) => void;
}

export interface AppDependencies extends Omit<OperationPorts, "deferred">, Omit<PublicDependencies, "clock"> {
  /** How long a write may take that is answered later, in milliseconds. */
  readonly laterDeadlineMs: number;
  /** The secrets that callers may come with now, at least one: the same list until they change. */
  readonly secrets: () => readonly ApiSecret[];
  /** Where requests under `/api` may come from; null for everywhere. */
  readonly allowedAddresses: BlockList | null;
  readonly rate: RateLimit;
  /** Counts wrong tokens. */
  readonly authFailures: FailureLimit;
  readonly records: WriteRecords;
  /** Whether `/docs`, `/redoc` and `/openapi.json` are served. */
  readonly hasDocs: boolean;
  /** Null when they have a port of their own. */
  readonly subscriptions: SubscriptionRouterOptions | null;
}

/**
 * The HTTP application over the ports given in.
 *
 * Under `/api` the address and the token come first: without a token the answer is 401 whatever the path and method, so
 * that nothing can be learned without it. Elsewhere everybody is answered, and an unknown path is a plain 404.
 */
export function createApp(dependencies: AppDependencies): Express {
  const { secrets, allowedAddresses, rate, authFailures: failures, hasDocs, subscriptions } = dependencies;
  const { clock } = dependencies;
  const idempotent = { ...dependencies, classify: classifyFailure };
  const writes = { ...idempotent, deferred: new DeferredWrites(idempotent) };
  const operations = createOperations(writes);
  const tokens = new KnownTokens(dependencies.tokens);
  // Subscriptions come before any token of ours is asked for: the address is the secret.
  const app = publicApp(dependencies, subscriptions);
  app.use("/api", privateAnswers(), allowAddresses(allowedAddresses));
  app.use("/api", conditionalReads(), bearerAuth({ secrets, tokens, failures, clock }), limitRate(rate));
  app.use(refuseMalformedPath());
  if (hasDocs) app.use(["/docs", "/redoc", "/openapi.json"], limitDocs());
  if (hasDocs) app.use(fileRoutes(docsAssets()));
  app.use(endpointRoutes(operations, writes, hasDocs));
  return closed(app);
}

/** The application of a port that has nothing but subscriptions. */
export function createSubscriptionApp(
  dependencies: PublicDependencies,
  subscriptions: SubscriptionRouterOptions,
): Express {
  return closed(publicApp(dependencies, subscriptions).use(refuseMalformedPath()));
}

/**
 * An application with the steps that every request passes first. Subscriptions have headers of their own: apps read no
 * others.
 */
function publicApp(
  { log, newId, clock, onFinished, origins, trustedProxies }: PublicDependencies,
  subscriptions: SubscriptionRouterOptions | null,
): Express {
  const app = express();
  app.disable("x-powered-by");
  app.enable("case sensitive routing");
  app.set("query parser", "simple");
  app.set("trust proxy", trustProxies(trustedProxies));
  app.use(identifyRequest(log, newId, clock), logRequest(onFinished));
  app.use(crossOrigin(origins), compression());
  if (subscriptions !== null) app.use(subscriptionRouter(subscriptions));
  app.use(securityHeaders());
  return app;
}

/** Ends an application: requests that nothing else answered get a 404, and failures become answers. */
function closed(app: Express): Express {
  app.use(() => {
    throw new HttpError(404, messages.pathNotFound);
  });
  app.use(handleError());
  return app;
}
