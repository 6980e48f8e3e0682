import type { ServicePart } from "@veil/runtime";
import type { NodeSettings } from "@veil/settings";
import { expect, it } from "vitest";
import type { ConnectedNode } from "./connect-node.ts";
import { FleetNodes } from "./fleet-nodes.ts";

const node = (name: string, address = `${name}.example.com:10085`): NodeSettings => ({
  name,
  address,
  inboundTag: "vless-in",
  link: {},
});

function rig() {
  const said: string[] = [];
  const names: string[] = [];
  const part = (name: string): ServicePart => ({
    onStop: () => undefined,
    close: async () => void said.push(`closed ${name}`),
  });
  let opening = "";
  const nodes = new FleetNodes(names, {
    parts: { open: () => part(opening) },
    open: (_part, { name, address }) => {
      said.push(`opened ${address}`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test double of what is looked at
      return { node: { name }, users: { name } } as ConnectedNode;
    },
    onJoined: (name) => {
      opening = name;
      said.push(`joined ${name}`);
    },
    onLeft: (name) => void said.push(`left ${name}`),
  });
  return { nodes, names, said };
}

it("connects the nodes that come, leaves those that go, and those alone that stay", async () => {
  const { nodes, names, said } = rig();
  const users = nodes.users;
  nodes.follow([node("a"), node("b")]);
  expect(names).toEqual(["a", "b"]);
  said.length = 0;
  nodes.follow([node("c"), node("b")]);
  await Promise.resolve();
  expect(said).toEqual(["closed a", "joined c", "opened c.example.com:10085", "left a"]);
  expect(names).toEqual(["c", "b"]);
  expect(users.map(({ name }) => name)).toEqual(["c", "b"]);
});

it("connects a node anew that is found elsewhere, and goes on with its series", async () => {
  const { nodes, said } = rig();
  nodes.follow([node("a")]);
  said.length = 0;
  nodes.follow([node("a", "other.example.com:10085")]);
  await Promise.resolve();
  expect(said).toEqual(["closed a", "joined a", "opened other.example.com:10085"]);
});
