import { beginSearch, buildGoModule, type FindOptions, withProgress } from "@veil/engines";
import { type ClientName, pinnedClients } from "./pinned-clients.ts";

/**
 * Path of a client: from the cache, or built with Go. One on PATH is never taken, since its version may be any.
 *
 * @throws {EngineUnavailableError} when there is no Go, an older Go, or the build fails.
 */
export async function findClient(name: ClientName, options: FindOptions): Promise<string> {
  const { title, version, module } = pinnedClients[name];
  const { cache, env, progress } = beginSearch(options);
  const entry = [title, version, ...(module.tags ?? [])].join("-");
  return (
    (await cache.find(entry)) ??
    withProgress(progress, `Building ${title} ${version} from its Go module, some minutes`, () =>
      cache.add(entry, (target) => buildGoModule(module, target, env)),
    )
  );
}
