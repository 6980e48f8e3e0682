/**
 * A subscription as client apps read it: its formats and headers, and which app gets which format. Pure: it knows no
 * store, no HTTP server, no page and no clock.
 */
export { chooseFormat, type FormatQuery, type UserAgentRule } from "./choose-format.ts";
export { contentTypeOf, type FormatName, formatNames, isFormatName, renderSubscription } from "./formats/formats.ts";
export { DEFAULT_ENTRANCE, type Entrance, type RenderSettings } from "./formats/render-settings.ts";
export { type Language, noticeReason, type NoticeReason, noticeText } from "./notices.ts";
export {
  isInService,
  type KeyStatus,
  type Refusal,
  type Subscription,
  type SubscriptionKey,
  type UsagePeriod,
} from "./subscription.ts";
export { type HeaderSettings, subscriptionHeaders } from "./subscription-headers.ts";
export { type SubscriptionInfo, subscriptionInfo } from "./subscription-info.ts";
