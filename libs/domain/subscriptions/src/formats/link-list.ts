import { connectionLink } from "@veil/protocols";
import { entriesOf } from "../entries.ts";
import type { Subscription } from "../subscription.ts";
import type { RenderSettings } from "./render-settings.ts";

/** Share links, one a line. */
export function renderPlain(subscription: Subscription, { language, noFlow }: RenderSettings): string {
  return entriesOf(subscription, language)
    .map((connection) => `${connectionLink(connection, noFlow)}\n`)
    .join("");
}

/** The same list in base64: the standard alphabet, padded, in one line. Every app reads it. */
export function renderBase64(subscription: Subscription, settings: RenderSettings): string {
  return Buffer.from(renderPlain(subscription, settings)).toString("base64");
}
