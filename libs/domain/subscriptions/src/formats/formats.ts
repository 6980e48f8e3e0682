import type { Subscription } from "../subscription.ts";
import { renderBase64, renderPlain } from "./link-list.ts";
import { renderMihomo } from "./mihomo.ts";
import type { RenderSettings } from "./render-settings.ts";
import { renderSingBox } from "./sing-box.ts";
import { renderXray } from "./xray.ts";

interface FormatEntry {
  readonly contentType: string;
  readonly render: (subscription: Subscription, settings: RenderSettings) => string;
}

const TEXT = "text/plain; charset=utf-8";
const JSON_TEXT = "application/json; charset=utf-8";

/** Every format that a subscription has, by the name that addresses it. A further one is its own file and a line here. */
const formats = {
  base64: { contentType: TEXT, render: renderBase64 },
  plain: { contentType: TEXT, render: renderPlain },
  xray: { contentType: JSON_TEXT, render: renderXray },
  "sing-box": { contentType: JSON_TEXT, render: renderSingBox },
  mihomo: { contentType: "text/yaml; charset=utf-8", render: renderMihomo },
} as const satisfies Record<string, FormatEntry>;

export type FormatName = keyof typeof formats;

export const formatNames: readonly FormatName[] = Object.keys(formats).filter(isFormatName);

/** Whether a format of this name exists; names are exact. */
export function isFormatName(text: string): text is FormatName {
  return Object.hasOwn(formats, text);
}

/** A subscription as one text. It depends on nothing but what is given. */
export function renderSubscription(format: FormatName, subscription: Subscription, settings: RenderSettings): string {
  return formats[format].render(subscription, settings);
}

/** The media type of a format, with its charset. */
export function contentTypeOf(format: FormatName): string {
  return formats[format].contentType;
}
