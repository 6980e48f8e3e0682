import type { Language } from "../notices.ts";

/** How subscriptions are written, the same for all keys. */
export interface RenderSettings {
  /** Of the sentences for people. */
  readonly language: Language;
  /** How the share link of a key without a flow is written, see `LinkSettings`. */
  readonly noFlow: "omit" | "write";
  /** How traffic enters a client that is given a whole config. */
  readonly entrance: Entrance;
}

/** Where a client takes traffic in. Apps that bring their own replace it. */
export interface Entrance {
  /** Ports on 127.0.0.1: a SOCKS proxy, an HTTP proxy, and one that is both. */
  readonly socks: number;
  readonly http: number;
  readonly mixed: number;
  /** Whether sing-box also opens a network interface, which takes all of the machine's traffic. Its apps need that. */
  readonly tun: boolean;
}

/** The ports that apps expect: those of v2rayNG, and of sing-box's and mihomo's own examples. */
export const DEFAULT_ENTRANCE: Entrance = { socks: 10_808, http: 10_809, mixed: 7_890, tun: true };
