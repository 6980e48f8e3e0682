import {
  isInService,
  type Language,
  noticeReason,
  noticeText,
  type Subscription,
  type SubscriptionKey,
} from "@veil/subscriptions";
import { htmlEscape } from "escape-goat";
import { renderQr } from "../render-qr.ts";
import { appLinks } from "./app-links.ts";
import { bytesText, dateText, durationText } from "./figures.ts";
import { PAGE_SCRIPT } from "./page-assets.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { PAGE_TEXTS, type PageTexts } from "./page-texts.ts";
import { usageChart, usageDays } from "./usage-chart.ts";

/** The page's options, beside the subscription. */
export interface PageOptions {
  readonly language: Language;
  /** The service's name; null when it has none. */
  readonly title: string | null;
  readonly supportUrl: string | null;
  /** A message for everybody; null for none. */
  readonly announce: string | null;
  /** Of days and dates, an IANA name. */
  readonly timeZone: string;
  /** Unix seconds. */
  readonly now: number;
}

interface Context extends PageOptions {
  readonly key: SubscriptionKey;
  readonly texts: PageTexts;
}

const SHOWN_DAYS = 30;
/** Parts of the limit from which the bar warns. */
const WARN_FROM = 0.8;
const FULL_FROM = 0.95;
const ICON_PATH = "M32 5 55 13v17c0 14-9 24-23 29C18 54 9 44 9 30V13z";
const CHECK = `<path fill="none" stroke="#fff" stroke-width="5" stroke-linecap="round" stroke-linejoin="round" d="m22 31 8 8 13-15"/>`;
const ICON =
  `<svg viewBox="0 0 64 64" aria-hidden="true"><defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1">` +
  `<stop stop-color="#5b61f0"/><stop offset="1" stop-color="#8b46dd"/></linearGradient></defs>` +
  `<path fill="url(#g)" d="${ICON_PATH}"/>${CHECK}</svg>`;
const FAVICON = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><path fill="#5b61f0" d="${ICON_PATH}"/>${CHECK}</svg>`,
)}`;

/** The page that a person sees who opens a subscription's address in a browser: one document, with nothing from elsewhere. */
export function renderPage(subscription: Subscription, options: PageOptions): string {
  const { key } = subscription;
  const { language, title } = options;
  const texts = PAGE_TEXTS[language];
  const context = { ...options, key, texts };
  const heading = title === null ? key.name : `${key.name} – ${title}`;
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${htmlEscape(heading)}</title>
<link rel="icon" href="${FAVICON}">
<style>${PAGE_STYLE}</style>
</head>
<body>
${header(context)}
<main>
${notices(subscription, context)}
${figures(context)}
${apps(context)}
${link(context)}
${usage(context)}
</main>
<footer>
<p>${htmlEscape(texts.secret)}</p>
${options.supportUrl === null ? "" : htmlEscape`<a class="button" rel="noreferrer" href="${options.supportUrl}">${texts.support}</a>`}
</footer>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

function header({ key, texts, title }: Context): string {
  const brand = title === null ? "" : htmlEscape`<p class="brand">${title}</p>`;
  const pill = htmlEscape`<p class="pill${isInService(key.status) ? "" : " bad"}">${texts.status[key.status]}</p>`;
  return `<header>${ICON}<div>${brand}${htmlEscape`<h1>${key.name}</h1>`}</div>${pill}</header>`;
}

/** Notices of faults, in the reader's language; the pill shows the key's status. */
function notices(subscription: Subscription, { language, announce }: Context): string {
  const reason = noticeReason(subscription);
  const wrong = reason === null ? "" : htmlEscape`<p class="notice wide">${noticeText(reason, language)}</p>`;
  const message = announce === null ? "" : htmlEscape`<p class="notice calm wide">${announce}</p>`;
  return wrong + message;
}

function figures({ key, texts, language, timeZone, now }: Context): string {
  return `<section class="card figures">
<div><h2>${htmlEscape(texts.traffic)}</h2>${traffic(key, texts, language)}</div>
<div><h2>${htmlEscape(texts.validity)}</h2>${validity(key, texts, language, timeZone, now)}</div>
</section>`;
}

function traffic({ upload, download, trafficLimit }: SubscriptionKey, texts: PageTexts, language: Language): string {
  const used = upload + download;
  const amount = bytesText(used, language);
  if (trafficLimit === null) {
    return htmlEscape`<p class="big">${amount} <small>${texts.used}</small></p><p class="soft">${texts.unlimited}</p>`;
  }
  const part = Math.min(used / trafficLimit, 1);
  const look = part >= FULL_FROM ? "full" : part >= WARN_FROM ? "warn" : "";
  const left = bytesText(Math.max(trafficLimit - used, 0), language);
  return htmlEscape`<p class="big">${amount} <small>/ ${bytesText(trafficLimit, language)}</small></p>
<progress class="${look}" max="100" value="${Math.round(part * 100)}" aria-label="${texts.traffic}">${Math.round(part * 100)} %</progress>
<p class="soft">${texts.left(left)}</p>`;
}

function validity(key: SubscriptionKey, texts: PageTexts, language: Language, timeZone: string, now: number): string {
  const durationOf = (seconds: number) => durationText(seconds, language) ?? texts.lessThanAnHour;
  if (key.holdFor !== null) {
    return htmlEscape`<p class="big">${durationOf(key.holdFor)}</p><p class="soft">${texts.startsWithFirstUse}</p>`;
  }
  if (key.expiresAt === null) return htmlEscape`<p class="big">∞</p><p class="soft">${texts.forever}</p>`;
  const date = dateText(key.expiresAt, language, timeZone);
  const left = key.expiresAt - now;
  if (left <= 0) return htmlEscape`<p class="big">${texts.ended}</p><p class="soft">${date}</p>`;
  return htmlEscape`<p class="big">${durationOf(left)}</p><p class="soft">${texts.until} ${date}</p>`;
}

function usage({ key, texts, language, timeZone, now }: Context): string {
  const days = usageDays(key.usage, SHOWN_DAYS, now, timeZone);
  return `<section class="card usage"><div class="head"><h2>${htmlEscape(texts.usage)}</h2><span class="soft">${htmlEscape(texts.last30Days)}</span></div>
${usageChart(days, texts, language)}</section>`;
}

function link({ key, texts }: Context): string {
  return `<section class="card link"><label for="link">${htmlEscape(texts.link)}</label><p class="soft">${htmlEscape(texts.linkHint)}</p>
<div class="copy">${htmlEscape`<input id="link" readonly value="${key.url}"><button id="copy" type="button" hidden aria-live="polite" data-done="${texts.copied}">${texts.copy}</button>`}</div>
<figure>${renderQr(key.url, "svg").replace("<svg ", `<svg role="img" aria-label="${htmlEscape(texts.qr)}" `)}<figcaption>${htmlEscape(texts.qrHint)}</figcaption></figure></section>`;
}

function apps({ key, texts }: Context): string {
  const items = appLinks(key.url, key.name).map(
    ({ name, platforms, href }) =>
      htmlEscape`<li><a rel="noreferrer" href="${href}"><span>${name}<small>${platforms}</small></span></a></li>`,
  );
  return `<section class="card connect"><h2>${htmlEscape(texts.connect)}</h2><p class="soft">${htmlEscape(texts.connectHint)}</p>
<ul class="apps">${items.join("")}</ul></section>`;
}
