import { hash } from "node:crypto";
import { messages } from "@veil/http-contract";
import {
  chooseFormat,
  contentTypeOf,
  type FormatName,
  type Language,
  noticeReason,
  renderSubscription,
  subscriptionHeaders,
  subscriptionInfo,
} from "@veil/subscriptions";
import { type Request, type RequestHandler, type Response, Router } from "express";
import { LRUCache } from "lru-cache";
import { type FailureLimit, limitFailure } from "../http/failure-limit.ts";
import { conditionalReads, isDecodable } from "../http/headers.ts";
import { HttpError } from "../http/http-error.ts";
import { requestContext } from "../http/request-context.ts";
import { PAGE_POLICY } from "./page/page-assets.ts";
import { renderPage } from "./page/render-page.ts";
import type { SubscriptionReader, SubscriptionSettings, SubscriptionView } from "./ports.ts";
import { presentedDevice } from "./presented-device.ts";

/** Said of every answer; nobody but its reader may keep, embed, index or run it. */
const DATA_HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "X-Robots-Tag": "noindex",
} as const;
const ASKED_BY = "Accept, Accept-Language, User-Agent, X-HWID";
/** The names of addresses in logs, metrics and traces. */
const ROUTES = { one: "/sub/{token}", format: "/sub/{token}/{format}", info: "/sub/{token}/info" } as const;

export interface SubscriptionRouterOptions {
  readonly subscriptions: SubscriptionReader;
  readonly settings: SubscriptionSettings;
  /** Counts tokens that nobody has. */
  readonly failures: FailureLimit;
  /** Unix seconds. */
  readonly now: () => number;
}

/**
 * `GET|HEAD /sub/{token}`, `/sub/{token}/{format}` and `/sub/{token}/info`: whoever has the token may read. Another token,
 * and a format that there is not, are a 404 with an empty body; after too many other tokens from one address these are 429.
 */
export function subscriptionRouter({ subscriptions, settings, failures, now }: SubscriptionRouterOptions): Router {
  const bodies = new RenderedBodies(settings);
  const router = Router({ caseSensitive: true });

  router.use("/sub", conditionalReads(), (request, response, next) => {
    response.set(DATA_HEADERS).vary(ASKED_BY);
    // Express' own error would hold the address.
    if (isDecodable(request.path)) next();
    else answerNothing(response);
  });

  router.get("/sub/:token/info", noteRoute(ROUTES.info), answerInfo);
  router.get("/sub/:token", noteRoute(ROUTES.one), answerSubscription);
  router.get("/sub/:token/:format", noteRoute(ROUTES.format), answerSubscription);
  return router;

  async function answerInfo(request: Request, response: Response): Promise<void> {
    const view = await find(request, "info");
    if (view === null) return answerUnknown(request, response);
    answer(response, "application/json; charset=utf-8", {}, JSON.stringify(subscriptionInfo(view, settings.noFlow)));
  }

  async function answerSubscription(request: Request, response: Response): Promise<void> {
    const format = formatOf(request);
    if (format === null) return answerNothing(response);
    const view = await find(request, format);
    if (view === null) return answerUnknown(request, response);
    if (format === "page") return answerPage(request, response, view);
    answer(response, contentTypeOf(format), subscriptionHeaders(view, settings), bodies.of(format, view));
  }

  async function find(request: Request, format: FormatName | "page" | "info"): Promise<SubscriptionView | null> {
    const { requestId, log, logFields } = requestContext(request);
    const device = presentedDevice(request);
    // Browsers have no device to name, and their page shows no connections.
    const arrival = format === "page" && device.hardwareId === null ? null : { device, requestId, log };
    const token = textOf(request.params["token"]) ?? "";
    const view = await subscriptions.findByToken(token, { withUsage: format === "page", arrival });
    if (view !== null) logFields.keyId = view.keyId;
    return view;
  }

  async function answerUnknown(request: Request, response: Response): Promise<void> {
    const unknown = new HttpError(404, messages.pathNotFound);
    const { status, headers } = await limitFailure(failures, request, unknown, messages.tooManyFailures);
    response.status(status).set(headers).end();
  }

  function formatOf(request: Request): FormatName | "page" | null {
    const { format } = request.query;
    // Named twice, it names nothing.
    if (Array.isArray(format)) return null;
    const asked = {
      path: textOf(request.params["format"]),
      query: textOf(format),
      accept: request.get("accept") ?? null,
      userAgent: request.get("user-agent") ?? null,
    };
    return chooseFormat(asked, settings.userAgentRules);
  }

  function answerPage(request: Request, response: Response, view: SubscriptionView): void {
    const { title, supportUrl, timeZone, announce } = settings;
    const language = languageOf(request, settings.language);
    const html = renderPage(view, { title, supportUrl, timeZone, announce, language, now: now() });
    const headers = { "Content-Security-Policy": PAGE_POLICY, "Content-Language": language };
    answer(response, "text/html; charset=utf-8", headers, html);
  }
}

function noteRoute(route: string): RequestHandler {
  return (request, _response, next) => {
    requestContext(request).route = route;
    next();
  };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** The language that the reader's browser asks for; the installation's for readers who speak neither. */
function languageOf(request: Request, preferred: Language): Language {
  const languages = preferred === "ru" ? (["ru", "en"] as const) : (["en", "ru"] as const);
  const accepted = request.acceptsLanguages([...languages]);
  return languages.find((language) => language === accepted) ?? preferred;
}

function answerNothing(response: Response): void {
  response.status(404).end();
}

/** Answers 304 to whoever has the same body with the same headers: traffic stands in these alone. */
function answer(response: Response, type: string, headers: Readonly<Record<string, string>>, body: string): void {
  const digest = hash("sha256", JSON.stringify(headers) + body, "base64url");
  response
    .status(200)
    .set({ ...headers, ETag: `"${digest.slice(0, 27)}"`, "Content-Type": type })
    .send(body);
}

/** Characters that are kept in all: some thousand subscriptions. */
const KEPT_CHARACTERS = 16 * 1024 * 1024;

/**
 * Bodies of subscriptions, each rendered once for a change of it: apps ask every few hours, and all of a household at once.
 * A body is found by all that it is made of, so that it can't be out of date; figures stand in headers, which are not kept.
 */
class RenderedBodies {
  readonly #settings: SubscriptionSettings;
  readonly #bodies = new LRUCache<string, string>({
    maxSize: KEPT_CHARACTERS,
    sizeCalculation: (body, key) => body.length + key.length,
  });

  constructor(settings: SubscriptionSettings) {
    this.#settings = settings;
  }

  /** The body of a subscription in a format. */
  of(format: FormatName, view: SubscriptionView): string {
    const reason = noticeReason(view);
    const key = JSON.stringify([format, reason, reason === null ? view.connections : []]);
    const kept = this.#bodies.get(key);
    if (kept !== undefined) return kept;
    const body = renderSubscription(format, view, this.#settings);
    this.#bodies.set(key, body);
    return body;
  }
}
