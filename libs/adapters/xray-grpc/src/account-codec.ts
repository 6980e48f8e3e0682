import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { z } from "zod";

/** A protocol's accounts and inbounds on the wire. */
export interface AccountCodec<A> {
  /** The kind of account that an inbound of this protocol takes, and the only one that is sent to it. */
  readonly accountType: string;
  /** The kind of settings that an inbound of this protocol has. */
  readonly inboundType: string;
  /** The number of the field of those settings that holds the users. */
  readonly clientsField: number;
  /** Reads an account back that was stored as JSON. */
  readonly accountSchema: z.ZodType<A>;
  /** Writes the fields of a message of the kind `accountType`. */
  write(writer: BinaryWriter, account: A): void;
  /** The account in a message of the kind `accountType`, `null` for one that we would never send. */
  decode(value: Uint8Array): A | null;
}
