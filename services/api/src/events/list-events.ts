import type { EventQuery, EventReader } from "@veil/events";
import { eventBody, type EventListQuery } from "@veil/http-contract";
import { callerOf, type RequestScope } from "../ports.ts";

/** Whose events a caller sees: the one place that decides it. */
export function visibleEvents(scope: RequestScope): Pick<EventQuery, "owner"> {
  const { owner } = callerOf(scope);
  return owner === null ? {} : { owner };
}

/** Some of the events that a caller sees. @throws {StoreUnavailableError} while the store is unavailable */
export async function listEvents(
  { after, limit, type, actor, key_id: keyId }: EventListQuery,
  scope: RequestScope,
  { events }: { readonly events: EventReader },
): Promise<{ readonly events: readonly object[] }> {
  const found = await events.read({
    after,
    limit,
    ...(type !== undefined && { type }),
    ...(actor !== undefined && { actor }),
    ...(keyId !== undefined && { keyId }),
    ...visibleEvents(scope),
  });
  return { events: found.map(eventBody) };
}
