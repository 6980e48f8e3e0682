import type { ConfigClient, XrayConfigFile } from "@veil/xray-config";
import type { Process, World } from "./world.ts";

/** The config file of one Xray, on a disk that may hang. */
export class SimulatedConfigFile {
  clients: ReadonlyMap<string, ConfigClient> = new Map();
  hung = false;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** The file as one process reads and writes it: a file that changed since it was read is read again. */
  openedBy(process: Process): Pick<XrayConfigFile, "look" | "update"> {
    return {
      look: async () => {
        const clients = await this.#access(process, "reads the config file", () => this.clients);
        return { clients: [...clients.values()], defaultFlow: "", accepts: () => true };
      },
      update: async (changesOf) => {
        while (true) {
          const old = await this.#access(process, "reads the config file", () => this.clients);
          const changes = (await changesOf()).flatMap(({ clients }) => [...clients]);
          const result = await this.#access(process, "writes the config file", () => this.#replace(old, changes));
          if (result !== "changed meanwhile") return { result, faults: new Map() };
        }
      },
    };
  }

  #replace(old: ReadonlyMap<string, ConfigClient>, changes: Iterable<readonly [string, ConfigClient | null]>) {
    if (this.clients !== old) return "changed meanwhile";
    const clients = new Map(old);
    for (const [email, client] of changes) {
      if (client === null) clients.delete(email);
      else clients.set(email, client);
    }
    this.clients = clients;
    return "written";
  }

  #access<T>(process: Process, label: string, effect: () => T): Promise<T> {
    return this.#world.call(process, label, effect, () => !this.hung);
  }
}
