import { type Actor, unnamedActor } from "@veil/events";

/** The part of a job's payload that names the request behind it. */
interface Asked {
  readonly request_id: string;
  /** Missing in jobs of an older API. */
  readonly actor?: { readonly name: string; readonly address: string | null } | undefined;
}

/** The actor that asked for a job. */
export function actorOf({ request_id: requestId, actor }: Asked): Actor {
  return actor === undefined ? unnamedActor(requestId) : { ...actor, requestId };
}
