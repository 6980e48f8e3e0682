// The integration tests on the engines of container images: `npm test -- --containers`, with more arguments of vitest.
import { GenericContainer, getContainerRuntimeClient, ImageName } from "testcontainers";

/** The oldest Redis that we support, a newer one, and what others run in its place. */
const REDIS_IMAGES = ["redis:7", "redis:6.2", "valkey/valkey:8"];
const MONGODB_IMAGE = "mongo:8";
/** Rooms that speak to Redis itself: enough for the images after the first one. */
const ON_OTHER_REDIS = ["libs/adapters/redis", "libs/adapters/job-queue"];
const STARTED_WITHIN_MS = 180_000;

/** Cleaning up after a killed run would take a container of one more image. */
process.env.TESTCONTAINERS_RYUK_DISABLED ??= "true";

/**
 * @param {string[]} args arguments of vitest.
 * @param {(args: string[], env: Record<string, string>, images: string) => Promise<number>} run runs tests; resolves to
 *   the exit code.
 * @param {(line: string) => void} leaveOut is told of each image that did not run, and why.
 * @returns {Promise<number | null>} the exit code: 0 when tests ran on some image and none failed; null when none ran.
 */
export async function testOnContainers(args, run, leaveOut) {
  const client = process.env.VEIL_NO_CONTAINERS ? null : await getContainerRuntimeClient().catch(() => null);
  if (client === null) {
    leaveOut(`left out: tests on container images (${process.env.VEIL_NO_CONTAINERS || "no container engine"})`);
    return null;
  }
  const start = (image, port, command = []) =>
    startIfThere(client, image, port, command).catch((error) => {
      leaveOut(`left out: tests on ${image} (${error instanceof Error ? error.message : String(error)})`);
      return null;
    });
  const mongodb = await start(MONGODB_IMAGE, 27_017);
  if (mongodb === null) return null;
  try {
    const codes = [];
    for (const image of REDIS_IMAGES) {
      const redis = await start(image, 6_379, ["--appendonly", "yes", "--maxmemory-policy", "noeviction"]);
      if (redis === null) continue;
      try {
        console.log(`On ${image} and ${MONGODB_IMAGE}:`);
        const filters = args.length > 0 || codes.length === 0 ? args : ON_OTHER_REDIS;
        const env = {
          REDIS_URL: `redis://${addressOf(redis, 6_379)}`,
          MONGODB_URI: `mongodb://${addressOf(mongodb, 27_017)}/veil`,
        };
        codes.push(await run(["--project", "integration", ...filters], env, `${image} and ${MONGODB_IMAGE}`));
      } finally {
        await redis.stop();
      }
    }
    return codes.length === 0 ? null : Math.max(...codes);
  } finally {
    await mongodb.stop();
  }
}

/** @throws when the image is not on this machine and can't be pulled, or does not start */
async function startIfThere(client, image, port, command) {
  const name = ImageName.fromString(image);
  if (!(await client.image.exists(name)))
    await client.image.pull(name).catch(() => {
      throw new Error("it is not here and can't be pulled");
    });
  return new GenericContainer(image)
    .withCommand(command)
    .withExposedPorts(port)
    .withStartupTimeout(STARTED_WITHIN_MS)
    .start();
}

function addressOf(container, port) {
  return `${container.getHost()}:${container.getMappedPort(port)}`;
}
