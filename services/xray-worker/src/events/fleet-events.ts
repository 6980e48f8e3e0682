import type { Outbox } from "@veil/events";
import { FLEET_SUBJECT, type FleetOutbox, isFleetEventId } from "@veil/nodes";

/** The events of changes of the fleet, written out for callers. */
export function fleetEvents(outbox: FleetOutbox): Outbox {
  return {
    pending: async (subjects) => {
      const events = subjects.includes(FLEET_SUBJECT) ? await outbox.pending() : [];
      return events.map(({ id, type, at, actor, node }) => ({
        id,
        type,
        at,
        actor,
        subject: FLEET_SUBJECT,
        keyId: null,
        owner: null,
        data: { node },
      }));
    },
    mark: (events) => {
      const ofFleet = events.filter(({ id, subject }) => subject === FLEET_SUBJECT && isFleetEventId(id));
      return outbox.mark(ofFleet.map(({ id }) => id));
    },
    subjects: async function* subjects() {
      yield [FLEET_SUBJECT];
    },
  };
}
