import { expect, it } from "vitest";
import { NamedParts } from "./named-parts.ts";

interface Item {
  readonly name: string;
  readonly address: string;
}

const item = (name: string, address = name): Item => ({ name, address });

function rig() {
  const said: string[] = [];
  let opening = "";
  const parts = new NamedParts<Item, string>({
    parts: {
      open: () => {
        const name = opening;
        return { onStop: () => undefined, close: async () => void said.push(`closed ${name}`) };
      },
    },
    open: (_part, { address }) => {
      said.push(`opened ${address}`);
      return address;
    },
    isSame: (one, other) => one.address === other.address,
    onJoined: (name) => {
      opening = name;
      said.push(`joined ${name}`);
    },
    onLeft: (name) => void said.push(`left ${name}`),
  });
  return { parts, said };
}

it("opens what comes, closes what goes, and leaves alone what stays", async () => {
  const { parts, said } = rig();
  const { names, opened } = parts;
  parts.follow([item("a"), item("b")]);
  expect(names).toEqual(["a", "b"]);
  said.length = 0;
  parts.follow([item("c"), item("b")]);
  await Promise.resolve();
  expect(said).toEqual(["closed a", "joined c", "opened c", "left a"]);
  expect(names).toEqual(["c", "b"]);
  expect(opened).toEqual(["c", "b"]);
});

it("opens anew what is another one now, which has not left", async () => {
  const { parts, said } = rig();
  parts.follow([item("a")]);
  said.length = 0;
  parts.follow([item("a", "elsewhere")]);
  await Promise.resolve();
  expect(said).toEqual(["closed a", "joined a", "opened elsewhere"]);
  expect(parts.opened).toEqual(["elsewhere"]);
});
