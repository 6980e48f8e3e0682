import { isInService, type KeyStatus, type Refusal, type Subscription } from "./subscription.ts";

/** The languages that subscriptions speak. */
export type Language = "ru" | "en";

/** Why a subscription has no connections to show. `unsupported`: the format has no words for any that there are. */
export type NoticeReason = Exclude<KeyStatus, "active" | "on_hold"> | Refusal | "no_connections" | "unsupported";

const TEXTS: Readonly<Record<Language, Readonly<Record<NoticeReason, string>>>> = {
  ru: {
    limited: "Трафик закончился",
    expired: "Срок действия истёк",
    disabled: "Ключ отключён",
    device_limit: "Слишком много устройств",
    device_id_missing: "Приложение не сообщает своё устройство",
    no_connections: "Серверы временно недоступны",
    unsupported: "Приложение не поддерживает эти серверы",
  },
  en: {
    limited: "Traffic limit reached",
    expired: "Subscription expired",
    disabled: "Key disabled",
    device_limit: "Too many devices",
    device_id_missing: "This app does not identify its device",
    no_connections: "Servers are temporarily unavailable",
    unsupported: "This app does not support these servers",
  },
};

/** The sentence for a reason, marked so that it stands out among servers. */
export function noticeText(reason: NoticeReason, language: Language): string {
  return `⛔ ${TEXTS[language][reason]}`;
}

/** Why the subscription shows no connections at the moment; null when it does. */
export function noticeReason({ key, connections, refusal }: Subscription): NoticeReason | null {
  if (!isInService(key.status)) return key.status;
  if (refusal !== null) return refusal;
  return connections.length === 0 ? "no_connections" : null;
}
