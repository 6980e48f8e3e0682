import { startKeyProber } from "../../support/key-prober.ts";
import { fateOf, type KeyStory } from "../load/key-book.ts";
import { foreignUser, serverName, shortId } from "../plant/start-engines.ts";
import type { Plant } from "../plant/start-plant.ts";
import type { Findings } from "../report/findings.ts";
import { phase, viewSystem } from "./system-view.ts";

const sampled = 6;
const connectsWithinMs = 10_000;
/** A key that is turned away gets no answer; one that works is answered in a small part of this. */
const turnedAwayAfterMs = 2_000;
const probedBytes = 1_000;

/** Dials a sample of the keys that must work and of those that must not, the ghosts of refused creations included. */
export async function checkConnections(plant: Plant, stories: readonly KeyStory[], findings: Findings): Promise<void> {
  const working = [...uuidsOf(stories, "alive").slice(-sampled), foreignUser.id];
  const dead = await deadUuids(plant, stories);
  const server = { port: plant.node.port, publicKey: plant.engines.reality.publicKey, serverName, shortId };
  const prober = await startKeyProber(plant.xrayBinary, server, [...working, ...dead]);
  try {
    const url = plant.bytes.downloadUrl(probedBytes);
    const refused = await Promise.all(
      working.map(async (uuid) =>
        (await prober.connects(uuid, url, connectsWithinMs)) ? [] : [`an existing key (${uuid}) does not connect`],
      ),
    );
    const letIn = await Promise.all(
      dead.map(async (uuid) =>
        (await prober.connects(uuid, url, turnedAwayAfterMs)) ? [`a key that does not exist (${uuid}) connects`] : [],
      ),
    );
    plant.tally.bytes += working.length * probedBytes;
    findings.enter("connects", [...refused, ...letIn].flat());
  } finally {
    await prober.stop();
  }
}

function uuidsOf(stories: readonly KeyStory[], fate: "alive" | "gone"): string[] {
  return stories.flatMap((story) =>
    fateOf(story) === fate && story.creation.outcome.kind === "answered" ? [story.creation.outcome.value.uuid] : [],
  );
}

/** Deleted keys, and the uuids that claims of refused creations once had. */
async function deadUuids(plant: Plant, stories: readonly KeyStory[]): Promise<string[]> {
  const { keys, creations } = await viewSystem(plant);
  const names = new Set(stories.filter((story) => fateOf(story) === "gone").map(({ name }) => name));
  const claimed = creations.flatMap(({ key_id, uuid, name }) =>
    name !== null && names.has(name) && uuid !== null && keys.get(key_id ?? 0)?.phase !== phase.active ? [uuid] : [],
  );
  return [...new Set([...uuidsOf(stories, "gone").slice(-sampled), ...claimed.slice(-sampled)])];
}
