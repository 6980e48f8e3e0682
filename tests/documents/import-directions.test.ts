import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { readRooms, type Room } from "./read-rooms.ts";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

/** The one lib that speaks to each engine. The tracing lib loads what it patches only when it is there. */
const owners = {
  bullmq: "libs/adapters/job-queue",
  mongoose: "libs/adapters/mongo",
  ioredis: "libs/adapters/redis",
  "@grpc/grpc-js": "libs/adapters/xray-grpc",
  "@bufbuild/protobuf": "libs/adapters/xray-grpc",
  "prom-client": "libs/platform/runtime",
  pino: "libs/platform/runtime",
};

/** The wings that each wing may import: itself, and those in its row. Services and tools stand on top of all. */
const wings = {
  "libs/domain": [],
  "libs/platform": [],
  "libs/contracts": ["libs/domain"],
  "libs/adapters": ["libs/domain", "libs/contracts", "libs/platform"],
  "libs/testing": ["libs/domain", "libs/contracts", "libs/platform", "libs/adapters"],
} as const satisfies Record<string, readonly string[]>;
const shippedWings = ["libs/domain", "libs/contracts", "libs/platform", "libs/adapters"];

const rooms = await readRooms();
const folderOf = new Map(rooms.map(({ folder }) => [basename(folder), folder]));
const shipped = rooms.filter(({ folder }) => isIn(folder, [...shippedWings, "services"]));

describe("import directions", () => {
  test.each(Object.entries(owners))("%s is used by %s alone", (name, owner) => {
    expect(shipped.filter(({ packages }) => packages.includes(name)).map(({ folder }) => folder)).toEqual([owner]);
  });

  test.each(Object.entries(wings))("%s imports itself and %j", (wing, others) => {
    expect(arrowsOutOf(wing, [wing, ...others])).toEqual([]);
  });

  test("services import no service, no tool and nothing that is made for tests", () => {
    expect(arrowsOutOf("services", shippedWings)).toEqual([]);
  });

  test("tools import no service", () => {
    expect(arrowsOutOf("tools", [...shippedWings, "libs/testing", "tools"])).toEqual([]);
  });

  test("no shipped file imports vitest or what a lib offers to tests alone", async () => {
    const files = [...trackedFiles("libs/*/src/*.ts"), ...trackedFiles("services/*/src/*.ts")];
    const importing: string[] = [];
    for (const file of files.filter((one) => !/\.(test|global-setup)\.ts$/.test(one))) {
      if (file.startsWith("libs/testing/")) continue;
      const text = await readFile(join(repoRoot, file), "utf8");
      if (/from "(?:vitest|@veil\/[^"]+\/testing)"/.test(text)) importing.push(file);
    }
    expect(files.length).toBeGreaterThan(100);
    expect(importing).toEqual([]);
  });

  test("every lib stands in a wing", () => {
    const libs = rooms.map(({ folder }) => folder).filter((folder) => folder.startsWith("libs/"));
    expect(libs.filter((folder) => !isIn(folder, Object.keys(wings)))).toEqual([]);
  });
});

const API_ROOT = "services/api/src";
/** The API's folders, each with those that it may import. Every folder may import the ground files. */
const apiFolders: Readonly<Record<string, readonly string[]>> = {
  http: ["jobs", "idempotency", "reply"],
  keys: ["traffic", "jobs", "reply"],
  traffic: ["jobs", "reply"],
  tokens: ["jobs"],
  webhooks: ["jobs"],
  nodes: ["jobs"],
  hosts: ["jobs", "nodes"],
  jobs: ["idempotency", "reply"],
  idempotency: ["reply"],
  events: ["reply"],
  docs: ["reply"],
  subscriptions: ["http", "jobs"],
  reply: [],
};
const apiGround = { "errors.ts": ["reply"], "ports.ts": [], "caller-keys.ts": [], "shown-figures.ts": ["ports.ts"] };

describe("import directions within the API", () => {
  const files = trackedFiles(API_ROOT).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
  const roomOf = (file: string) => relative(API_ROOT, file).split("/")[0] ?? "";

  test("every folder has its rule", () => {
    const folders = new Set(files.map(roomOf).filter((room) => !room.endsWith(".ts")));
    expect([...folders].toSorted()).toEqual(Object.keys(apiFolders).toSorted());
  });

  test.each(Object.entries({ ...apiFolders, ...apiGround }))("%s imports nothing above it", async (room, below) => {
    const allowed = new Set([room, ...below, ...(room.endsWith(".ts") ? [] : Object.keys(apiGround))]);
    const upward: string[] = [];
    for (const file of files.filter((one) => roomOf(one) === room)) {
      const text = await readFile(join(repoRoot, file), "utf8");
      const imported = [...text.matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)].map(([, path = ""]) => path);
      upward.push(
        ...imported.filter((path) => !allowed.has(roomOf(join(dirname(file), path)))).map((path) => `${file}: ${path}`),
      );
    }
    expect(upward).toEqual([]);
  });
});

/** Imports of a wing's rooms that lead elsewhere than allowed, as "from -> to". */
function arrowsOutOf(wing: string, allowed: readonly string[]): string[] {
  return rooms.filter(({ folder }) => isIn(folder, [wing])).flatMap((room) => strayArrows(room, allowed));
}

function strayArrows(room: Room, allowed: readonly string[]): string[] {
  const targets = room.rooms.map((name) => folderOf.get(name) ?? name);
  return targets.filter((target) => !isIn(target, allowed)).map((target) => `${room.folder} -> ${target}`);
}

function isIn(folder: string, places: readonly string[]): boolean {
  return places.some((place) => folder.startsWith(`${place}/`));
}
