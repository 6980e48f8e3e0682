import { userEmail } from "@veil/protocols";
import type { Asked } from "../load/caller.ts";
import type { KeyBook } from "../load/key-book.ts";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";
import type { Findings } from "../report/findings.ts";

/** Creates a key and looks into the nodes the moment the answer is there. */
export async function createAndLook(book: KeyBook, { xray }: FaultTestbed, findings: Findings): Promise<void> {
  const { outcome } = (await book.create()).creation;
  if (outcome.kind !== "answered") return;
  const { key_id, uuid } = outcome.value;
  const found = await Promise.all(
    [...xray].map(async ([name, node]) => {
      const user = await node.getUser(userEmail(key_id));
      const isThere = user?.account.protocol === "vless" && user.account.uuid === uuid;
      return isThere ? [] : [`key ${key_id} is answered and not in node ${name}`];
    }),
  );
  findings.enter("atOnce", found.flat());
}

/** Deletes a key and looks into the nodes the moment the answer is there. */
export async function deleteAndLook(
  book: KeyBook,
  name: string,
  { xray, client }: FaultTestbed,
  findings: Findings,
): Promise<void> {
  const asked: Asked<unknown> | null = await book.delete(name);
  if (asked?.outcome.kind !== "answered") return;
  const keyId = book.keyIdOf(name);
  if (keyId === null) return;
  const left = await Promise.all(
    [...xray].map(async ([node, users]) =>
      (await users.getUser(userEmail(keyId))) === null ? [] : [`key ${keyId} is deleted and still in node ${node}`],
    ),
  );
  const isReadable = await client.get(keyId).then(
    () => [`key ${keyId} is deleted and still readable`],
    () => [],
  );
  findings.enter("atOnce", [...left.flat(), ...isReadable]);
}
