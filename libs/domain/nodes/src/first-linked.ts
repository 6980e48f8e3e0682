import type { Fleet, FleetNode } from "./fleet.ts";
import { type LinkedKeyFacts, LinkedPlaces, type LinkedPlacesOptions, placeKey } from "./linked-places.ts";

type Health = LinkedPlacesOptions["isDown"];
type IdleState = Exclude<FleetNode["state"], "active" | "gone">;

/**
 * Which inbounds a key's first link leads to, for whoever does not know the installation's own host and key: one that spells out
 * what others leave to the settings is elsewhere.
 */
export class FirstLinked {
  readonly #meets: LinkedPlacesOptions["meets"];
  #last: { readonly fleet: Fleet; readonly isDown: Health; readonly places: LinkedPlaces } | null = null;

  constructor(meets: LinkedPlacesOptions["meets"]) {
    this.#meets = meets;
  }

  /** @returns names of places, none while no node of such a host is active; null when no host is meant for the key */
  of(key: LinkedKeyFacts, fleet: Fleet, isDown: Health): readonly string[] | null {
    const places = this.#placesIn(fleet, isDown);
    const [first] = places.of(key);
    if (first !== undefined) return first.hosts.map(({ at }) => at.name);
    return places.hasHostFor(key.groups) ? [] : null;
  }

  /** @returns the states of the nodes of such hosts that are not active */
  idleStates(groups: readonly string[], fleet: Fleet, isDown: Health): IdleState[] {
    return this.#placesIn(fleet, isDown)
      .statesFor(groups)
      .filter((state) => state !== "active" && state !== "gone");
  }

  #placesIn(fleet: Fleet, isDown: Health): LinkedPlaces {
    if (this.#last?.fleet !== fleet || this.#last.isDown !== isDown) {
      const places = new LinkedPlaces(fleet, { meets: this.#meets, placeOf: (host) => placeKey(host), isDown });
      this.#last = { fleet, isDown, places };
    }
    return this.#last.places;
  }
}
