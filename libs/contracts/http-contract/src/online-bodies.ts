import { keyIdSchema } from "./key-id.ts";
import { namedSchemas } from "./named-schemas.ts";
import { z } from "zod";

const node = z.string().meta({ description: "The node's name.", example: "main" });
const detail = z
  .string()
  .nullable()
  .meta({ description: "Why the node tells nothing; null when it does.", example: null });
const addresses = z.array(z.string()).nullable();

export const keyOnlineSchema = z
  .strictObject({
    key_id: keyIdSchema,
    online: z.boolean().meta({
      description:
        "Whether a connection is open on some node, or bytes were counted within the last 60 seconds: with the latter alone " +
        "the key is in `GET /api/keys?online=true`.",
      example: true,
    }),
    addresses: addresses.meta({
      description: "From where connections are open, of all nodes together; null when none tells.",
      example: ["203.0.113.7"],
    }),
    online_at: z
      .int()
      .nullable()
      .meta({
        type: ["integer", "null"],
        format: "int64",
        description: "When it was last seen to move bytes, also on a node where they count as 0. Unix seconds.",
        example: 1703521000,
      }),
    nodes: z.array(
      z
        .strictObject({
          name: node,
          online: z.boolean().nullable().meta({
            description: "Whether a connection is open there now; null when the node does not tell.",
            example: true,
          }),
          addresses: addresses.meta({
            description: "From where, each once, however many connections there are; null when the node does not tell.",
            example: ["203.0.113.7"],
          }),
          detail,
        })
        .register(namedSchemas, { id: "NodeOfKeyOnline" }),
    ),
  })
  .register(namedSchemas, { id: "KeyOnline" });

export type KeyOnlineBody = z.infer<typeof keyOnlineSchema>;

export const onlineSchema = z
  .strictObject({
    online: z.int().min(0).meta({
      description:
        "Keys with an open connection on some node, or of which bytes were counted within the last 60 seconds.",
      example: 3,
    }),
    nodes: z.array(
      z
        .strictObject({
          name: node,
          online: z.int().min(0).nullable().meta({
            description: "Keys with an open connection there now; null when the node does not tell.",
            example: 3,
          }),
          detail,
        })
        .register(namedSchemas, { id: "NodeOnline" }),
    ),
  })
  .register(namedSchemas, { id: "Online" });

export type OnlineBody = z.infer<typeof onlineSchema>;
