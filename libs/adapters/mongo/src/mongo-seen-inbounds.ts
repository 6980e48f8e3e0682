import type { SeenInbound, SeenInbounds } from "@veil/nodes";
import { PROTOCOLS, TRANSPORTS } from "@veil/protocols";
import { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
import { LatestByName } from "./latest-by-name.ts";
import type { OnUnreadable } from "./read-documents.ts";

const seenInbound = z
  .object({
    at: z.number(),
    protocol: z.enum(PROTOCOLS),
    transport: z.enum(TRANSPORTS).nullable(),
    path: z.string().nullable(),
    host: z.string().nullable(),
    asks: z.string().nullable(),
    reality: z
      .object({ public_key: z.string().nullable(), server_names: z.array(z.string()), short_ids: z.array(z.string()) })
      .nullable(),
    server_key: z.string().nullable(),
    encryption: z.object({ mode: z.string(), public_keys: z.array(z.string().nullable()) }).nullable(),
  })
  .transform(({ at, reality, server_key: serverKey, encryption, ...same }): SeenInbound => {
    const runs = {
      ...{ ...same, serverKey },
      reality: reality && {
        publicKey: reality.public_key,
        serverNames: reality.server_names,
        shortIds: reality.short_ids,
      },
      encryption: encryption && { mode: encryption.mode, publicKeys: encryption.public_keys },
    };
    return { at, runs };
  });

/** How each inbound was last found running. */
export class MongoSeenInbounds implements SeenInbounds {
  readonly #notes: LatestByName<SeenInbound>;

  constructor(mongo: MongoConnection, onUnreadable: OnUnreadable) {
    this.#notes = new LatestByName(mongo, "inbounds", seenInbound, onUnreadable);
  }

  async note(seen: ReadonlyMap<string, SeenInbound>, now: number): Promise<void> {
    await this.#notes.note(new Map([...seen].map(([place, inbound]) => [place, stored(inbound)])), now);
  }

  async list(): Promise<ReadonlyMap<string, SeenInbound>> {
    return this.#notes.list();
  }
}

function stored({ at, runs }: SeenInbound): z.input<typeof seenInbound> {
  const { protocol, transport, path, host, asks, reality, serverKey, encryption } = runs;
  return {
    ...{ at, protocol, transport, path, host, asks },
    reality: reality && {
      public_key: reality.publicKey,
      server_names: [...reality.serverNames],
      short_ids: [...reality.shortIds],
    },
    server_key: serverKey,
    encryption: encryption && { mode: encryption.mode, public_keys: [...encryption.publicKeys] },
  };
}
