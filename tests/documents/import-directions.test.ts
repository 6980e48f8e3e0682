import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { readRooms, type Room } from "./read-rooms.ts";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

/** The one lib that speaks to each engine. The tracing lib loads what it patches only when it is there. */
const owners = {
  bullmq: "libs/job-contract",
  mongoose: "libs/mongo-store",
  ioredis: "libs/redis-connection",
  "@grpc/grpc-js": "libs/xray-gateway",
  "@bufbuild/protobuf": "libs/xray-gateway",
  "prom-client": "libs/service-runtime",
  pino: "libs/service-runtime",
};
const pureRooms = ["key-lifecycle", "reconciler", "traffic-ledger", "xray-protocols"];
const startsEngines = ["libs/test-support", "tools/local-engines"];

const rooms = await readRooms();
const shipped = rooms.filter(({ folder }) => !folder.startsWith("tools/") && !startsEngines.includes(folder));

describe("import directions", () => {
  test.each(Object.entries(owners))("%s is used by %s alone", (name, owner) => {
    expect(foldersWhere(shipped, ({ packages }) => packages.includes(name))).toEqual([owner]);
  });

  test("nothing imports a service", () => {
    const services = namesIn("services/");
    expect(foldersWhere(rooms, (room) => room.rooms.some((name) => services.has(name)))).toEqual([]);
  });

  test("no lib and no service imports a tool or what starts engines", () => {
    const forbidden = new Set([...namesIn("tools/"), ...startsEngines.map((folder) => basename(folder))]);
    expect(foldersWhere(shipped, (room) => room.rooms.some((name) => forbidden.has(name)))).toEqual([]);
  });

  test("no shipped file imports vitest or what a lib offers to tests alone", async () => {
    const files = [...trackedFiles("libs/*/src/*.ts"), ...trackedFiles("services/*/src/*.ts")];
    const importing: string[] = [];
    for (const file of files.filter((one) => !/\.(test|global-setup)\.ts$/.test(one))) {
      if (startsEngines.some((folder) => file.startsWith(folder))) continue;
      const text = await readFile(join(repoRoot, file), "utf8");
      if (/from "(?:vitest|@veil\/[^"]+\/testing)"/.test(text)) importing.push(file);
    }
    expect(files.length).toBeGreaterThan(100);
    expect(importing).toEqual([]);
  });

  test.each(pureRooms)("libs/%s, pure domain code, imports nothing but pure domain code", (name) => {
    const imported = rooms.find((room) => room.folder === `libs/${name}`)?.rooms ?? ["nothing was read"];
    expect(imported.filter((room) => !pureRooms.includes(room))).toEqual([]);
  });
});

const apiRoot = "services/api/src";
/** The API's folders, each with those that it may import. Every folder may import the ground files. */
const apiFolders: Readonly<Record<string, readonly string[]>> = {
  http: ["jobs", "idempotency", "reply"],
  keys: ["jobs", "reply"],
  traffic: ["jobs", "reply"],
  jobs: ["idempotency", "reply"],
  idempotency: ["reply"],
  docs: ["reply"],
  reply: [],
};
const apiGround = ["errors.ts", "ports.ts"];

describe("import directions within the API", () => {
  const files = trackedFiles(apiRoot).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
  const roomOf = (file: string) => relative(apiRoot, file).split("/")[0] ?? "";

  test("every folder has its rule", () => {
    const folders = new Set(files.map(roomOf).filter((room) => !room.endsWith(".ts")));
    expect([...folders].toSorted()).toEqual(Object.keys(apiFolders).toSorted());
  });

  test.each(Object.entries({ ...apiFolders, "errors.ts": ["reply"], "ports.ts": [] }))(
    "%s imports nothing above it",
    async (room, below) => {
      const allowed = new Set([room, ...below, ...(room.endsWith(".ts") ? [] : apiGround)]);
      const upward: string[] = [];
      for (const file of files.filter((one) => roomOf(one) === room)) {
        const text = await readFile(join(repoRoot, file), "utf8");
        const imported = [...text.matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)].map(([, path = ""]) => path);
        upward.push(
          ...imported
            .filter((path) => !allowed.has(roomOf(join(dirname(file), path))))
            .map((path) => `${file}: ${path}`),
        );
      }
      expect(upward).toEqual([]);
    },
  );
});

function foldersWhere(among: readonly Room[], matches: (room: Room) => boolean): string[] {
  return among.filter(matches).map(({ folder }) => folder);
}

function namesIn(folder: string): Set<string> {
  return new Set(rooms.filter((room) => room.folder.startsWith(folder)).map((room) => basename(room.folder)));
}
