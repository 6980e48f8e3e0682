import type { RequestListener } from "node:http";
import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { ExpressAdapter } from "@bull-board/express";
import type { OpenQueues } from "@veil/job-queue";
import { scrubData } from "@veil/runtime";
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import helmet from "helmet";
import { basicAuth } from "./basic-auth.ts";

export interface QueueBoardOptions {
  /** The path under which it is shown, for example `/admin/queues`. */
  readonly path: string;
  /** Of the user `admin`. */
  readonly password: string;
  readonly queues: Pick<OpenQueues, "all">;
  /** Called with the failure when the page could not be shown. */
  readonly onError: (error: unknown) => void;
}

/** Requests under way at once: each may read many jobs. */
const MOST_AT_ONCE = 8;
const MOST_JOBS_PER_PAGE = 100;

/**
 * The page, to be given to a server under its path.
 *
 * It reads only: every method but GET and HEAD is refused, because a job that is changed by hand breaks what its request
 * was promised. Keys' UUIDs and other secrets in jobs are left out of what it shows.
 */
export function queueBoard({ path, password, queues, onError }: QueueBoardOptions): RequestListener {
  const app = express();
  app.disable("x-powered-by");
  app.use(protective(), basicAuth(password), readOnly, bounded(), withoutSecrets);
  app.use(path, untilOpen(path, queues));
  const handleError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    onError(error);
    if (!response.headersSent) response.status(503).json({ detail: "The queues can't be read" });
  };
  app.use(handleError);
  return (request, response) => {
    app(request, response);
  };
}

/** The page has one style of its own and loads nothing from elsewhere. */
function protective(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", "data:"],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'self'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // The port for operators speaks plain HTTP.
    strictTransportSecurity: false,
  });
}

const readOnly: RequestHandler = (request, response, next) => {
  if (request.method === "GET" || request.method === "HEAD") next();
  else response.status(405).set("Allow", "GET, HEAD").json({ detail: "The queues can only be looked at" });
};

function bounded(): RequestHandler {
  let underWay = 0;
  return (request, response, next) => {
    if (underWay >= MOST_AT_ONCE || Number(request.query["jobsPerPage"] ?? 0) > MOST_JOBS_PER_PAGE) {
      response.status(429).set("Retry-After", "1").json({ detail: "Too Many Requests" });
      return;
    }
    underWay += 1;
    response.once("close", () => {
      underWay -= 1;
    });
    next();
  };
}

const withoutSecrets: RequestHandler = (_request, response, next) => {
  response.set("Cache-Control", "no-store");
  const send = response.json.bind(response);
  response.json = (body: unknown) => send(scrubData(JSON.parse(JSON.stringify(body ?? null))));
  next();
};

/** The board is made when it is asked for first: only then need Redis be there. */
function untilOpen(path: string, queues: Pick<OpenQueues, "all">): RequestHandler {
  let board: RequestHandler | null = null;
  return async (request, response, next) => {
    board ??= boardOf(path, await queues.all());
    return board(request, response, next);
  };
}

function boardOf(path: string, queues: Awaited<ReturnType<OpenQueues["all"]>>): RequestHandler {
  const server = new ExpressAdapter();
  server.setBasePath(path);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true, allowRetries: false })),
    serverAdapter: server,
    options: { uiConfig: { boardTitle: "Veil queues", hideDocsLink: true } },
  });
  // oxlint-disable-next-line typescript/no-unsafe-return -- the adapter declares its Express router as any
  return server.getRouter();
}
