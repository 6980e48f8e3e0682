import { type EventHints, type Outbox, SYSTEM } from "@veil/events";
import {
  NOTE_SIGHTINGS_EVERY_MS,
  noteNodeStates,
  type NodeSightings,
  type NodeStates,
  StoreUnavailableError,
} from "@veil/keys";
import { type ExclusiveTask, runExclusively } from "@veil/redis";
import { type Clock, lastingFailure, type Logger, type RunningService, runLoop } from "@veil/runtime";

const PREFIX = "node:";
const NOTE_LEASE_MS = 10_000;

export interface NodeEventsPorts {
  /** Names of the nodes that there are at each moment. */
  readonly nodes: readonly string[];
  readonly sightings: Pick<NodeSightings, "list">;
  readonly states: NodeStates;
}

/** The events of nodes, written out for callers; also of nodes that have gone before theirs were logged. */
export function nodeEvents(states: NodeStates): Outbox {
  /** Logged events of which the states take no mark, as they are damaged. Another process logs these once more. */
  const unmarkable = new Set<string>();
  return {
    pending: async (subjects) => {
      const ofNodes = subjects.filter((subject) => subject.startsWith(PREFIX));
      const asked = ofNodes.map((subject) => subject.slice(PREFIX.length));
      const found = asked.length === 0 ? [] : await states.find(asked);
      const events = found.flatMap(({ node, outbox }) =>
        outbox.map(({ id, isDown, at }) => ({
          id: PREFIX + id,
          type: isDown ? ("node.down" as const) : ("node.up" as const),
          at,
          actor: SYSTEM,
          subject: PREFIX + node,
          keyId: null,
          owner: null,
          data: { node },
        })),
      );
      return events.filter(({ id }) => !unmarkable.has(id));
    },
    mark: async (events) => {
      for (const { id, subject } of events) {
        if (!subject.startsWith(PREFIX)) continue;
        try {
          await states.mark(subject.slice(PREFIX.length), [id]);
        } catch (error) {
          if (error instanceof StoreUnavailableError) throw error;
          unmarkable.add(id);
        }
      }
    },
    subjects: async function* subjects() {
      yield (await states.names()).map((node) => PREFIX + node);
    },
  };
}

export interface NodeNotesOptions extends NodeEventsPorts {
  readonly hints: EventHints;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly clock: Pick<Clock, "now">;
  readonly log: Logger;
}

/** Notes which nodes go down and come back, by one worker at a time, until the service stops. */
export function startNodeNotes(running: RunningService, options: NodeNotesOptions): void {
  const { nodes, hints, exclusive, clock, log } = options;
  const expect = async (node: string) => (await hints.expect(PREFIX + node)).ready;
  runLoop(running, "node states", {
    everyMs: NOTE_SIGHTINGS_EVERY_MS,
    jitter: 0.2,
    firstRun: "later",
    task: async () => {
      const alone = { ...exclusive, subject: "node-states", leaseMs: NOTE_LEASE_MS };
      await runExclusively(alone, () => noteNodeStates(nodes, options, expect, clock.now()));
    },
    ...lastingFailure(log, "could not note which nodes are down"),
  });
}
