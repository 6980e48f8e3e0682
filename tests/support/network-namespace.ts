import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, constants } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const TUN_DEVICE = "/dev/net/tun";
/** A network of two hosts, of the range that is meant for such links. */
const OUTER = "169.254.231.1";
const INNER = "169.254.231.2";
/** Beyond that link: what is for documentation is nobody's. */
const BEYOND = "198.51.100.77";

/** A machine of its own as far as the network goes, with one way out, which leads to this machine. */
export interface NetworkNamespace {
  /** This machine's address at the other end of the way out. */
  readonly gateway: string;
  /** An address of this machine that is not on that link. */
  readonly beyond: string;
  /** The command that starts a program inside. */
  inside(binary: string, args: readonly string[]): { readonly binary: string; readonly args: readonly string[] };
  /** Ends it with all that was set up for it. */
  remove(): Promise<void>;
}

/** @returns null where that takes rights or tools that are not there: Linux, root, `ip` and a TUN device */
export async function makeNetworkNamespace(): Promise<NetworkNamespace | null> {
  const name = `veil-${randomBytes(3).toString("hex")}`;
  const outer = `${name}-o`;
  const inside = (binary: string, args: readonly string[]) => ({
    binary: "ip",
    args: ["netns", "exec", name, binary, ...args],
  });
  const remove = async () => {
    await run("ip", ["netns", "delete", name]).catch(() => undefined);
    await run("ip", ["link", "delete", outer]).catch(() => undefined);
  };
  try {
    await access(TUN_DEVICE, constants.R_OK | constants.W_OK);
    await run("ip", ["netns", "add", name]);
    await run("ip", ["link", "add", outer, "type", "veth", "peer", "name", "way-out", "netns", name]);
    await run("ip", ["address", "add", `${OUTER}/30`, "dev", outer]);
    await run("ip", ["address", "add", `${BEYOND}/32`, "dev", outer]);
    await run("ip", ["link", "set", outer, "up"]);
    for (const args of [
      ["link", "set", "lo", "up"],
      ["link", "set", "way-out", "up"],
      ["address", "add", `${INNER}/30`, "dev", "way-out"],
      ["route", "add", "default", "via", OUTER],
    ]) {
      const { binary, args: all } = inside("ip", args);
      await run(binary, all);
    }
    return { gateway: OUTER, beyond: BEYOND, inside, remove };
  } catch {
    await remove();
    return null;
  }
}
