import { messages } from "@veil/http-contract";
import express, { type Express } from "express";
import { docsAssets } from "./docs/docs-assets.ts";
import { bearerAuth } from "./http/bearer-auth.ts";
import { crossOrigin, type OriginPolicy } from "./http/cross-origin.ts";
import { endpointRoutes } from "./http/endpoint-routes.ts";
import { handleError } from "./http/handle-error.ts";
import { HttpError } from "./http/http-error.ts";
import { identifyRequest } from "./http/identify-request.ts";
import { type FinishedRequest, logRequest } from "./http/log-request.ts";
import { refuseMalformedPath } from "./http/refuse-malformed.ts";
import { securityHeaders } from "./http/security-headers.ts";
import { createOperations, type OperationPorts } from "./operations.ts";
import type { Logger } from "./ports.ts";

export interface AppDependencies extends OperationPorts {
  /** The secrets that callers may come with; at least one. */
  readonly secrets: readonly string[];
  readonly origins: OriginPolicy;
  readonly log: Logger;
  /** Told of every request when it is over. */
  readonly onFinished: (request: FinishedRequest) => void;
}

/**
 * The HTTP application over the ports given in.
 *
 * Under `/api` the token comes first: without one the answer is 401 whatever the path and method, so that nothing
 * can be learned without it. Elsewhere an unknown path is a plain 404.
 */
export function createApp(dependencies: AppDependencies): Express {
  const { secrets, origins, log, newId, onFinished } = dependencies;
  const app = express();
  app.disable("x-powered-by");
  app.enable("case sensitive routing");
  app.set("query parser", "simple");

  app.use(identifyRequest(log, newId), logRequest(onFinished));
  app.use(securityHeaders(), crossOrigin(origins));
  app.use("/api", privateAnswers, bearerAuth(secrets));
  app.use(refuseMalformedPath());
  app.use(docsAssets());
  app.use(endpointRoutes(createOperations(dependencies)));
  app.use(() => {
    throw new HttpError(404, messages.pathNotFound);
  });
  app.use(handleError());
  return app;
}

/** Answers belong to one caller and change at any time: nobody may reuse them without asking again. */
const privateAnswers: express.RequestHandler = (_request, response, next) => {
  response.set("Cache-Control", "private, no-cache");
  next();
};
