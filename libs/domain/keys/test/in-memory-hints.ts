import type { EventHints, Hint } from "@veil/events";

/** In which subjects events were expected, and whether those writes were acknowledged. */
export class InMemoryHints implements EventHints {
  readonly expected: { readonly subject: string; isReady: boolean }[] = [];

  async expect(subject: string): Promise<Hint> {
    const entry = { subject, isReady: false };
    this.expected.push(entry);
    return { ready: () => void (entry.isReady = true) };
  }
}
