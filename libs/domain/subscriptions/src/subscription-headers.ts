import { percentEncode } from "@veil/protocols";
import { type Language, noticeReason, noticeText } from "./notices.ts";
import type { Subscription, SubscriptionKey } from "./subscription.ts";

/** Headers of an installation that apps read. */
export interface HeaderSettings {
  readonly language: Language;
  /** The subscription's title in apps; null for the key's name. */
  readonly title: string | null;
  /** Whole hours between two updates, at least 1. */
  readonly updateIntervalHours: number;
  /** Where people find help; null for nowhere. */
  readonly supportUrl: string | null;
  /** Where people see the subscription in a browser; null for its own address. */
  readonly pageUrl: string | null;
  /** A message for everybody; null for none. A key's own fault goes before it. */
  readonly announce: string | null;
}

/** Apps show no more of a title (Happ, INCY). */
const TITLE_LENGTH = 25;
const ANNOUNCE_LENGTH = 200;
/** In UTF-8 no more than the 255 bytes of a file name. Percent-encoded they are three times as many, and nginx takes 4 KiB of headers. */
const FILE_NAME_LENGTH = 63;

/** The headers that client apps read, by their names in lower case. Every value is fit for a header, whatever the key's name. */
export function subscriptionHeaders(subscription: Subscription, settings: HeaderSettings): Record<string, string> {
  const { key, refusal } = subscription;
  const { title, updateIntervalHours, supportUrl, pageUrl, announce } = settings;
  const reason = noticeReason(subscription);
  const message = reason === null ? announce : noticeText(reason, settings.language);
  const support = supportUrl === null ? null : headerUrl(supportUrl);
  const page = headerUrl(pageUrl ?? key.url);
  return {
    "subscription-userinfo": userInfo(key),
    "profile-title": headerText(shortened(wellFormed(title ?? key.name), TITLE_LENGTH)),
    "profile-update-interval": String(Math.max(1, Math.round(updateIntervalHours))),
    "content-disposition": contentDisposition(title ?? key.name),
    ...(support !== null && { "support-url": support }),
    ...(page !== null && { "profile-web-page-url": page }),
    ...(message !== null &&
      message !== "" && { announce: headerText(shortened(wellFormed(message), ANNOUNCE_LENGTH)) }),
    ...(refusal === "device_limit" && { "x-hwid-limit": "true" }),
    ...(refusal === "device_id_missing" && { "x-hwid-not-supported": "true" }),
  };
}

/** Hiddify refuses the whole subscription when one of the four is missing, or when a `;` ends the line. */
function userInfo({ upload, download, trafficLimit, expiresAt }: SubscriptionKey): string {
  const figures = { upload, download, total: trafficLimit ?? 0, expire: expiresAt ?? 0 };
  return Object.entries(figures)
    .map(([name, figure]) => `${name}=${wholeNumber(figure)}`)
    .join("; ");
}

/** Without an exponent and a sign, and small enough for the integers of every client. */
function wholeNumber(figure: number): string {
  return String(Math.min(Math.max(0, Math.trunc(figure)), Number.MAX_SAFE_INTEGER));
}

/** Both forms (RFC 6266): Hiddify reads the quoted one alone, clash-verge prefers the other. */
function contentDisposition(name: string): string {
  const file = shortened(wellFormed(name), FILE_NAME_LENGTH).replace(/[/\\]/g, "_");
  const ascii = file.replace(/[^ !#$&-~]/gu, "_").trim();
  const readable = /[A-Za-z0-9]/.test(ascii) ? ascii : "subscription";
  return `attachment; filename="${readable}"; filename*=UTF-8''${percentEncode(file)}`;
}

function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}

/** Printable ASCII without blanks at its ends, which every client reads as it stands. */
const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/;
const BASE64_MARK = "base64:";

/** A text as apps take it in a header: as it is, or `base64:` and its UTF-8 form. */
export function headerText(text: string): string {
  if (PLAIN.test(text) && !text.startsWith(BASE64_MARK)) return text;
  return BASE64_MARK + Buffer.from(text).toString("base64");
}

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * The beginning of a text: as many whole characters, as people see them, as have `length` code points together. Of a first
 * one that has more, with all its marks, it is the beginning.
 */
export function shortened(text: string, length: number): string {
  // Most are: finding the characters of one takes longer than all the other headers.
  if (text.length <= length) return text;
  let short = "";
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    used += Array.from(segment).length;
    if (used > length) break;
    short += segment;
  }
  return short === "" ? Array.from(text).slice(0, length).join("") : short;
}

/** An address as a header takes it: ASCII, percent-encoded. Null when it is not one of the web or of mail. */
function headerUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { href, protocol } = new URL(text);
  return ["http:", "https:", "mailto:", "tg:"].includes(protocol) ? href : null;
}
