import type { Place } from "@veil/nodes";
import { keyIdOfEmail, protocolNamed } from "@veil/protocols";
import type { ExclusiveTask } from "@veil/redis";
import { LastingFailures, type Logger } from "@veil/runtime";
import { ConfigFileError, ConfigInvalidError, type InboundChanges, type XrayConfigFile } from "@veil/xray-config";
import { ConfigFileBusyError, onlyWriterOf } from "./only-writer.ts";

export interface EmptiedFileOptions {
  /** Null where no config file is kept. */
  readonly file: Pick<XrayConfigFile, "look" | "update"> | null;
  /** The node whose config it is. */
  readonly node: string;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly log: Pick<Logger, "error" | "info" | "warn">;
}

/** Takes our users out of an inbound in its node's config file. */
export interface EmptiedFile {
  /** Whether a node has such a file. */
  readonly isOf: (node: string) => boolean;
  /** @returns whether none is left in it; otherwise the reason is logged, once while it lasts @throws when Redis is away */
  readonly empty: (place: Place) => Promise<boolean>;
}

/**
 * For an inbound that leaves, and for a node that does: nobody compares the file with the keys from then on, so that Xray would come
 * back with all of them, also with those that are deleted by then.
 */
export function emptiedFile({ file, node, exclusive, log }: EmptiedFileOptions): EmptiedFile {
  const isOf = (name: string) => file !== null && name === node;
  const onlyWriter = onlyWriterOf(node, exclusive);
  const failures = new LastingFailures(log, "could not take users out of Xray's config file: they come back with it");
  return {
    isOf,
    empty: async ({ of, inbound: { tag: inboundTag, protocol } }) => {
      if (file === null || !isOf(of.name)) return true;
      const form = protocolNamed(protocol).inConfig;
      const changes = async (): Promise<readonly InboundChanges[]> => {
        const ours = (await file.look(inboundTag, form)).clients.filter(({ email }) => keyIdOfEmail(email) !== null);
        return [{ inboundTag, form, shortId: null, clients: new Map(ours.map(({ email }) => [email, null])) }];
      };
      try {
        await onlyWriter(() => file.update(changes));
        failures.onSuccess(inboundTag);
        return true;
      } catch (err) {
        if (err instanceof ConfigInvalidError && err.lacksInbound) return true;
        if (!(err instanceof ConfigFileError || err instanceof ConfigFileBusyError)) throw err;
        failures.onError(inboundTag, { node, inbound: inboundTag }, err, "error");
        return false;
      }
    },
  };
}
