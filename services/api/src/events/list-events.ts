import type { EventQuery, EventReader } from "@veil/events";
import { eventBody, type EventListQuery } from "@veil/http-contract";
import { callerOf, type RequestScope, viewerOf } from "../ports.ts";
import type { EventsReply } from "../reply/reply.ts";
import type { EventFeed } from "./event-feed.ts";

/** Whose events a caller sees: the one place that decides it. */
export function visibleEvents(scope: RequestScope): Pick<EventQuery, "owner"> {
  const { owner } = viewerOf(scope);
  return owner === null ? {} : { owner };
}

/** All tokens of an owner are one follower. */
function followerOf(scope: RequestScope): string {
  const { id, owner } = callerOf(scope);
  return owner === null ? `caller:${id}` : `owner:${owner}`;
}

export interface ListEventsPorts {
  readonly events: EventReader;
  readonly feed: Pick<EventFeed, "follow">;
}

/** The events that a caller sees: a part of them, or all that come. Both fail while the store is unavailable. */
export function listEvents(
  { after, limit, type, actor, key_id: keyId }: EventListQuery,
  scope: RequestScope,
  { events, feed }: ListEventsPorts,
): EventsReply {
  const query = {
    ...(type !== undefined && { type }),
    ...(actor !== undefined && { actor }),
    ...(keyId !== undefined && { keyId }),
    ...visibleEvents(scope),
  };
  return {
    kind: "events",
    list: async () => ({ events: (await events.read({ ...query, after, limit })).map(eventBody) }),
    follow: (lastEventId) => feed.follow({ ...query, after: lastEventId ?? after }, followerOf(scope)),
  };
}
