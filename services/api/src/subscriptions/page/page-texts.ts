import type { KeyStatus, Language } from "@veil/subscriptions";

/** The page's texts in one language. */
export interface PageTexts {
  readonly status: Readonly<Record<KeyStatus, string>>;
  readonly traffic: string;
  readonly used: string;
  /** @param amount of traffic */
  readonly left: (amount: string) => string;
  readonly unlimited: string;
  readonly validity: string;
  readonly forever: string;
  readonly startsWithFirstUse: string;
  readonly ended: string;
  readonly until: string;
  readonly lessThanAnHour: string;
  readonly usage: string;
  readonly last30Days: string;
  readonly download: string;
  readonly upload: string;
  readonly noUsage: string;
  readonly connect: string;
  readonly connectHint: string;
  readonly link: string;
  readonly linkHint: string;
  readonly copy: string;
  readonly copied: string;
  readonly qr: string;
  readonly qrHint: string;
  readonly support: string;
  readonly secret: string;
}

export const PAGE_TEXTS: Readonly<Record<Language, PageTexts>> = {
  en: {
    status: { active: "Active", on_hold: "Ready", limited: "Limit reached", expired: "Expired", disabled: "Disabled" },
    traffic: "Traffic",
    used: "used",
    left: (amount) => `${amount} left`,
    unlimited: "Unlimited",
    validity: "Validity",
    forever: "No end date",
    startsWithFirstUse: "Starts with the first connection",
    ended: "Ended",
    until: "Until",
    lessThanAnHour: "Less than an hour",
    usage: "Usage",
    last30Days: "Last 30 days",
    download: "Download",
    upload: "Upload",
    noUsage: "No traffic in the last 30 days",
    connect: "Connect",
    connectHint: "Install one of these apps, then tap its button to add the subscription.",
    link: "Subscription link",
    linkHint: "For any other app",
    copy: "Copy",
    copied: "Copied",
    qr: "QR code of the subscription link",
    qrHint: "Scan it with the app on another device",
    support: "Get help",
    secret: "This link is yours alone. Whoever has it can use your traffic.",
  },
  ru: {
    status: {
      active: "Активна",
      on_hold: "Готова",
      limited: "Трафик закончился",
      expired: "Срок истёк",
      disabled: "Отключена",
    },
    traffic: "Трафик",
    used: "использовано",
    left: (amount) => `осталось ${amount}`,
    unlimited: "Без ограничений",
    validity: "Срок",
    forever: "Бессрочно",
    startsWithFirstUse: "Отсчёт начнётся с первого подключения",
    ended: "Закончилась",
    until: "До",
    lessThanAnHour: "Меньше часа",
    usage: "Расход",
    last30Days: "За 30 дней",
    download: "Загрузка",
    upload: "Отправка",
    noUsage: "За последние 30 дней трафика не было",
    connect: "Подключение",
    connectHint: "Установите одно из приложений и нажмите его кнопку, чтобы добавить подписку.",
    link: "Ссылка на подписку",
    linkHint: "Для любого другого приложения",
    copy: "Копировать",
    copied: "Скопировано",
    qr: "QR-код ссылки на подписку",
    qrHint: "Отсканируйте приложением на другом устройстве",
    support: "Помощь",
    secret: "Эта ссылка только ваша. По ней любой сможет расходовать ваш трафик.",
  },
};
