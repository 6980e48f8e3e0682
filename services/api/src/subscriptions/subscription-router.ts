import { createHash } from "node:crypto";
import {
  chooseFormat,
  contentTypeOf,
  type FormatName,
  type Language,
  subscriptionHeaders,
  subscriptionInfo,
} from "@veil/subscriptions";
import { type Request, type Response, Router } from "express";
import { conditionalReads } from "../http/headers.ts";
import { PAGE_POLICY } from "./page/page-assets.ts";
import { renderPage } from "./page/render-page.ts";
import type { SubscriptionReader, SubscriptionSettings, SubscriptionView } from "./ports.ts";
import { RenderedBodies } from "./rendered-bodies.ts";

const TOKEN = /^[0-9A-Za-z]{24,128}$/;
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

interface SubscriptionRouterOptions {
  readonly subscriptions: SubscriptionReader;
  readonly settings: SubscriptionSettings;
  /** Unix seconds. */
  readonly now: () => number;
}

/**
 * `GET|HEAD /sub/{token}`, `/sub/{token}/{format}` and `/sub/{token}/info`: whoever has the token may read. Another token,
 * and a format that there is not, are a 404 with an empty body.
 */
export function subscriptionRouter({ subscriptions, settings, now }: SubscriptionRouterOptions): Router {
  const bodies = new RenderedBodies(settings);
  const router = Router({ caseSensitive: true });

  router.use("/sub", conditionalReads(), (_request, response, next) => {
    response.set({
      "Cache-Control": "no-store",
      "Content-Security-Policy": DATA_POLICY,
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
      "X-Robots-Tag": "noindex",
      Vary: "Accept, Accept-Language, User-Agent",
    });
    next();
  });

  router.get("/sub/:token/info", answerInfo);
  router.get("/sub/:token{/:format}", answerSubscription);
  return router;

  async function answerInfo(request: Request, response: Response): Promise<void> {
    const view = await find(request);
    if (view === null) return answerNothing(response);
    answer(response, "application/json; charset=utf-8", {}, JSON.stringify(subscriptionInfo(view, settings.noFlow)));
  }

  async function answerSubscription(request: Request, response: Response): Promise<void> {
    const format = formatOf(request);
    const view = format === null ? null : await find(request);
    if (format === null || view === null) return answerNothing(response);
    if (format === "page") return answerPage(request, response, view);
    const body = bodies.of(tokenOf(request), format, view);
    answer(response, contentTypeOf(format), subscriptionHeaders(view, settings), body);
  }

  function find(request: Request): Promise<SubscriptionView | null> | null {
    const token = tokenOf(request);
    return TOKEN.test(token) ? subscriptions.findByToken(token) : null;
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

function tokenOf(request: Request): string {
  return textOf(request.params["token"]) ?? "";
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** What the reader's browser asks for; the installation's language for all who speak neither. */
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
  const hash = createHash("sha256").update(JSON.stringify(headers)).update(body).digest("base64url");
  response
    .status(200)
    .set({ ...headers, ETag: `"${hash.slice(0, 27)}"`, "Content-Type": type })
    .send(body);
}
