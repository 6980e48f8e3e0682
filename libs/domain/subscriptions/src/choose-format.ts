import { type FormatName, isFormatName } from "./formats/formats.ts";

/** A rule that gives apps a format: those whose User-Agent begins with `prefix`, in any case. */
export interface UserAgentRule {
  readonly prefix: string;
  readonly format: FormatName;
}

/**
 * The apps that get more than a list of links. A rule is the beginning of a User-Agent and no expression: Hiddify's
 * contains `ClashMeta`, `v2ray` and `sing-box`, NekoBox's contains `ClashMeta`, and both want links; and a beginning is
 * compared in no more time than it is long. Apps that no rule names get links in base64, Happ and v2rayNG too, which
 * read `xray` as well.
 */
const defaultRules: readonly UserAgentRule[] = [
  ...["clash", "mihomo", "flclash", "flowvy", "murge", "prizrak-box", "koala-clash", "stash"].map(to("mihomo")),
  ...["sfa/", "sfi/", "sfm/", "sft/", "sing-box", "singbox", "karing"].map(to("sing-box")),
];

function to(format: FormatName): (prefix: string) => UserAgentRule {
  return (prefix) => ({ prefix, format });
}

/** The format that a request for a subscription asks for, and the hints to it. */
export interface FormatQuery {
  /** `/sub/{token}/{format}` */
  readonly path: string | null;
  /** `?format=` */
  readonly query: string | null;
  /** The header `Accept`. */
  readonly accept: string | null;
  readonly userAgent: string | null;
}

/**
 * The format of an answer: the one that the address names, else the page for browsers, else what the app reads.
 *
 * @param rules asked before those that every installation has; the first that fits counts
 * @returns null when the address names a format that there is not
 */
export function chooseFormat(asked: FormatQuery, rules: readonly UserAgentRule[] = []): FormatName | "page" | null {
  const named = asked.path ?? asked.query;
  if (named !== null) return isFormatName(named) ? named : null;
  if (acceptsPage(asked.accept ?? "")) return "page";
  const userAgent = (asked.userAgent ?? "").toLowerCase();
  const fitting = [...rules, ...defaultRules].find(({ prefix }) => userAgent.startsWith(prefix.toLowerCase()));
  return fitting?.format ?? "base64";
}

/** Whether `text/html` is named as such: apps send the wildcard that browsers send, too. */
function acceptsPage(accept: string): boolean {
  return accept.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === "text/html" && !parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter));
  });
}
