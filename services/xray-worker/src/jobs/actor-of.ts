import { type Actor, unnamedActor } from "@veil/events";

/** What every job on behalf of a request says of it. */
interface Asked {
  readonly request_id: string;
  /** Missing in jobs of an older API. */
  readonly actor?: { readonly name: string; readonly address: string | null } | undefined;
}

/** Who asked for a job. */
export function actorOf({ request_id: requestId, actor }: Asked): Actor {
  return actor === undefined ? unnamedActor(requestId) : { ...actor, requestId };
}
