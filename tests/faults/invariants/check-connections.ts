import { z } from "zod";
import { linkOfNoKey, startKeyProber } from "../../support/key-prober.ts";
import { Caller, type CreatedKey } from "../load/caller.ts";
import { fateOf, type KeyStory } from "../load/key-book.ts";
import { untilAnswered } from "../load/until-answered.ts";
import { type FaultTestbed, unmanagedUser } from "../testbed/start-fault-testbed.ts";
import type { Findings } from "../report/findings.ts";
import { phase, viewSystem } from "./system-view.ts";

const SAMPLED = 6;
const CONNECTS_WITHIN_MS = 10_000;
/** A key that is turned away gets no answer; one that works is answered in a small part of this. */
const TURNED_AWAY_AFTER_MS = 2_000;
const PROBED_BYTES = 1_000;

/** Dials a sample of the keys that must work and of those that must not, the orphans of refused creations included. */
export async function checkConnections(
  testbed: FaultTestbed,
  stories: readonly KeyStory[],
  findings: Findings,
): Promise<void> {
  const alive = await Promise.all(keyIdsAlive(stories).map((keyId) => testbed.client.link(keyId)));
  const linkOfAnother = await linkOfDeletedKey(testbed);
  const working = [...alive, linkOfNoKey(unmanagedUser.id, linkOfAnother)];
  const dead = (await deadUuids(testbed, stories)).map((uuid) => linkOfNoKey(uuid, linkOfAnother));
  const prober = await startKeyProber(testbed.xrayBinary, [...working, ...dead]);
  try {
    const url = testbed.bytes.downloadUrl(PROBED_BYTES);
    const refused = await Promise.all(
      working.map(async (link) =>
        (await prober.connects(link, url, CONNECTS_WITHIN_MS)) ? [] : [`an existing key (${link}) does not connect`],
      ),
    );
    const letIn = await Promise.all(
      dead.map(async (link) =>
        (await prober.connects(link, url, TURNED_AWAY_AFTER_MS))
          ? [`a key that does not exist (${link}) connects`]
          : [],
      ),
    );
    testbed.tally.bytes += working.length * PROBED_BYTES;
    findings.enter("connects", [...refused, ...letIn].flat());
  } finally {
    await prober.stop();
  }
}

/** The round may have left no key whose link could be asked for. Right after a fault a write may be put off with 503. */
async function linkOfDeletedKey({ client, tally }: FaultTestbed): Promise<string> {
  const caller = new Caller(client, tally);
  const { key_id } = createdKey.parse(await untilAnswered(caller, "POST", "/api/keys"));
  const link = await client.link(key_id);
  await untilAnswered(caller, "DELETE", `/api/keys/${key_id}`);
  return link;
}

const createdKey = z.looseObject({ key_id: z.number() });

function keyIdsAlive(stories: readonly KeyStory[]): number[] {
  return createdWithFate(stories, "alive")
    .map(({ key_id }) => key_id)
    .slice(-SAMPLED);
}

function createdWithFate(stories: readonly KeyStory[], fate: "alive" | "gone"): CreatedKey[] {
  return stories.flatMap((story) =>
    fateOf(story) === fate && story.creation.outcome.kind === "answered" ? [story.creation.outcome.value] : [],
  );
}

/** Deleted keys, and the uuids that claims of refused creations once had. */
async function deadUuids(testbed: FaultTestbed, stories: readonly KeyStory[]): Promise<string[]> {
  const { keys, creations } = await viewSystem(testbed);
  const names = new Set(stories.filter((story) => fateOf(story) === "gone").map(({ name }) => name));
  const claimed = creations.flatMap(({ key_id, uuid, name }) =>
    name !== null && names.has(name) && uuid !== null && keys.get(key_id ?? 0)?.phase !== phase.active ? [uuid] : [],
  );
  const deleted = createdWithFate(stories, "gone").map(({ uuid }) => uuid);
  return [...new Set([...deleted.slice(-SAMPLED), ...claimed.slice(-SAMPLED)])];
}
