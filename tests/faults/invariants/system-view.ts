import { keyIdOfEmail } from "@veil/protocols";
import { z } from "zod";
import type { CreatedKey } from "../load/caller.ts";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";

const keyDocument = z.object({
  key_id: z.number(),
  uuid: z.string(),
  name: z.string().nullable(),
  job: z.string(),
  phase: z.number(),
});
const creationDocument = z.object({
  _id: z.string(),
  key_id: z.number().nullable(),
  uuid: z.string().nullable(),
  name: z.string().nullable(),
  deadline: z.number(),
  decided: z.boolean(),
});
export type KeyDocument = z.infer<typeof keyDocument>;
export type CreationDocument = z.infer<typeof creationDocument>;

/** A user as a node lists it. */
export interface ListedUser {
  readonly email: string;
  readonly uuid: string | null;
}

/** The whole system at one moment, read from each part by itself. */
export interface SystemView {
  /** The keys that the API lists, by key id. */
  readonly listed: ReadonlyMap<number, CreatedKey>;
  /** The keys in MongoDB, by key id: active, deleting and gone ones. */
  readonly keys: ReadonlyMap<number, KeyDocument>;
  /** Claims of create jobs that MongoDB still holds. */
  readonly creations: readonly CreationDocument[];
  /** Our users of each node by key id, and the others by e-mail. */
  readonly nodes: ReadonlyMap<string, NodeView>;
}

export interface NodeView {
  readonly ours: ReadonlyMap<number, string | null>;
  readonly unmanaged: readonly ListedUser[];
}

/** Whether every node should hold the user of a key: it is active, and in service by what the API says of it. */
export function isWantedIn({ listed }: Pick<SystemView, "listed">, key: KeyDocument): boolean {
  return key.phase === phase.active && listed.get(key.key_id)?.is_active !== false;
}

export const phase = { active: 1, deleting: 2, gone: 3 } as const;

/** @throws when any part can't be read */
export async function viewSystem({ client, mongo, xray }: FaultTestbed): Promise<SystemView> {
  // The call that throws at once while it is not connected comes first, so that no other call is left alone.
  const [keys, creations, listed, nodes] = await Promise.all([
    mongo.connection.collection("keys").find().toArray(),
    mongo.connection.collection("creations").find().toArray(),
    client.list(),
    Promise.all([...xray].map(async ([name, node]) => [name, nodeView(await node.listUsers())] as const)),
  ]);
  return {
    listed: new Map(listed.keys.map((key) => [key.key_id, key])),
    keys: new Map(keys.map((document) => keyDocument.parse(document)).map((key) => [key.key_id, key])),
    creations: creations.map((document) => creationDocument.parse(document)),
    nodes: new Map(nodes),
  };
}

type NodeUsers = Awaited<ReturnType<NonNullable<ReturnType<FaultTestbed["xray"]["get"]>>["listUsers"]>>;

function nodeView(users: NodeUsers): NodeView {
  const listed = users.map(({ email, account }) => ({
    email,
    keyId: keyIdOfEmail(email),
    uuid: account.protocol === "vless" ? account.uuid : null,
  }));
  return {
    ours: new Map(listed.flatMap(({ keyId, uuid }) => (keyId === null ? [] : [[keyId, uuid] as const]))),
    unmanaged: listed.filter(({ keyId }) => keyId === null),
  };
}
