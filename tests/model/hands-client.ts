import type { HandledKey } from "@veil/keys";
import type { SimulatedMongo } from "./simulated-mongo.ts";
import type { Process } from "./world.ts";

type HandsOfMany = ReadonlyMap<string, ReadonlySet<number>>;

/** One process's view of the hands that stand beside the keys' documents: each was entered into many keys by one write. */
export class HandsClient {
  readonly #mongo: SimulatedMongo;
  readonly #process: Process;

  constructor(mongo: SimulatedMongo, process: Process) {
    this.#mongo = mongo;
    this.#process = process;
  }

  enter(hand: string, keyIds: readonly number[]): Promise<void> {
    return this.#write(`keys ${keyIds.join(" ")} are taken up by ${hand}`, (hands) => {
      hands.set(hand, new Set(keyIds));
    });
  }

  letGo(hand: string, except: readonly number[]): Promise<void> {
    return this.#write(`many keys are let go of by ${hand} but [${except.join(" ")}]`, (hands) => {
      if (except.length === 0) hands.delete(hand);
      else if (hands.has(hand)) hands.set(hand, new Set(except));
    });
  }

  read(): Promise<HandsOfMany> {
    return this.#mongo.read(this.#process, "find hands of many", () => {
      return new Map([...this.#mongo.handsOfMany].map(([hand, keyIds]) => [hand, new Set(keyIds)]));
    });
  }

  async takeOut(hands: readonly string[], keyId: number): Promise<void> {
    for (const hand of hands) {
      await this.#write(`${hand} is taken out of key ${keyId}`, (all) => void all.get(hand)?.delete(keyId));
    }
  }

  /** A key as its document has it, with the hands beside it but the one that its reader replaced. */
  async shownWith(key: HandledKey | null, replaced: string | null): Promise<HandledKey | null> {
    const handsOfMany = await this.read();
    if (key === null) return null;
    if (replaced !== null && handsOfMany.get(replaced)?.has(key.keyId) === true) {
      await this.takeOut([replaced], key.keyId);
    }
    const shown = withHands(key, handsOfMany);
    return { ...shown, hands: shown.hands.filter((hand) => hand !== replaced) };
  }

  #write(label: string, change: (hands: Map<string, Set<number>>) => void): Promise<void> {
    return this.#mongo.write(this.#process, label, () => change(this.#mongo.handsOfMany));
  }
}

export function withHands(key: HandledKey, handsOfMany: HandsOfMany): HandledKey {
  const others = [...handsOfMany].filter(([, keyIds]) => keyIds.has(key.keyId)).map(([hand]) => hand);
  return { ...key, hands: [...new Set([...key.hands, ...others])] };
}
