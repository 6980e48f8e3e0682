import type { EventHints, Hint } from "@veil/events";

/** In which subjects events were expected, and whether those writes were acknowledged. */
export class InMemoryHints implements EventHints {
  readonly expected: { readonly subject: string; isReady: boolean }[] = [];

  async expect(...subjects: readonly string[]): Promise<Hint> {
    const entries = subjects.map((subject) => ({ subject, isReady: false }));
    this.expected.push(...entries);
    return {
      ready: () => {
        for (const entry of entries) entry.isReady = true;
      },
    };
  }
}
