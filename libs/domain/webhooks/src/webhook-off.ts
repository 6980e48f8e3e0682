const PREFIX = "webhook:";

/** Names a webhook where events are looked for. */
export function webhookSubject(id: string): string {
  return `${PREFIX}${id}`;
}

/** Null for the subject of something else. */
export function webhookIdOfSubject(subject: string): string | null {
  return subject.startsWith(PREFIX) ? subject.slice(PREFIX.length) : null;
}

/** The id of the event that a webhook was switched off. @param revision that it has since then */
export function webhookOffId(id: string, revision: number): string {
  return `${id}-${revision}`;
}

/** Of which webhook and revision an event tells; null when the text is no id of one. */
export function partsOfWebhookOffId(eventId: string): { readonly id: string; readonly revision: number } | null {
  const [, id, revision] = /^(.+)-(\d+)$/.exec(eventId) ?? [];
  return id === undefined ? null : { id, revision: Number(revision) };
}
