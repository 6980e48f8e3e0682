import type { EngineName } from "./engine-errors.ts";

const GO_HINT = "or install Go 1.26 or newer and start again, then it is built";

const HINTS: Readonly<Record<EngineName, Readonly<{ darwin: string; linux: string; other: string }>>> = {
  redis: {
    darwin: "brew install redis",
    linux: "apt-get install redis-server (or dnf install valkey, apk add valkey), or set REDIS_URL",
    other: "install Redis 6.2 or newer, or set REDIS_URL",
  },
  mongodb: {
    darwin: `brew tap mongodb/brew && brew install mongodb-community, ${GO_HINT}; or set MONGODB_URI`,
    linux: `install mongod 6 or newer (https://www.mongodb.com/docs/manual/administration/install-on-linux/), ${GO_HINT}; or set MONGODB_URI`,
    other: "install mongod 6 or newer, or set MONGODB_URI",
  },
  xray: {
    darwin: `brew install xray, ${GO_HINT}; or set XRAY_BINARY`,
    linux: `install Xray 25 or newer (https://github.com/XTLS/Xray-install), ${GO_HINT}; or set XRAY_BINARY`,
    other: "install Xray 25 or newer, or set XRAY_BINARY",
  },
};

/** A person's way to get an engine onto this kind of system. */
export function installHint(engine: EngineName, platform: NodeJS.Platform = process.platform): string {
  const hints = HINTS[engine];
  return platform === "darwin" || platform === "linux" ? hints[platform] : hints.other;
}
