import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { GoModule } from "@veil/engines";

/** A client at one version: a result for a link holds for the version that gave it. */
export interface PinnedClient {
  readonly title: string;
  readonly version: string;
  readonly module: GoModule;
}

/** Two versions of sing-box: the oldest that is still common in apps, and the newest. */
export const clientNames = ["sing-box 1.13.0", "sing-box 1.14.1", "mihomo 1.19.27"] as const;

export type ClientName = (typeof clientNames)[number];

/** The directory of this package, which holds the Go modules; it is the parent of both `src` and `dist`. */
const packageDirectory = fileURLToPath(new URL("..", import.meta.url));

export const pinnedClients: Readonly<Record<ClientName, PinnedClient>> = {
  "sing-box 1.13.0": singBox("1.13.0", "sing-box-1.13", [1, 24]),
  "sing-box 1.14.1": singBox("1.14.1", "sing-box-1.14", [1, 25]),
  "mihomo 1.19.27": {
    title: "mihomo",
    version: "1.19.27",
    module: {
      directory: join(packageDirectory, "mihomo"),
      package: "github.com/metacubex/mihomo",
      needsGo: [1, 24],
      variables: { "github.com/metacubex/mihomo/constant.Version": "v1.19.27" },
    },
  },
};

/** Without `with_utls` it refuses Reality, without `with_quic` Hysteria. */
function singBox(version: string, folder: string, needsGo: readonly [number, number]): PinnedClient {
  return {
    title: "sing-box",
    version,
    module: {
      directory: join(packageDirectory, folder),
      package: "github.com/sagernet/sing-box/cmd/sing-box",
      needsGo,
      tags: ["with_quic", "with_utls"],
      variables: { "github.com/sagernet/sing-box/constant.Version": version },
    },
  };
}
