import { createClient } from "../../src/client.ts";

/** The README's example, word for word; test/api/client.test.ts compares and runs it. */
export async function example(address: string, token: string): Promise<string> {
  const { v1 } = createClient(address, token);
  const created = await v1.failovers.$post({
    json: {
      name: "shop",
      hostname: "www.example.com",
      primary: { address: "origin.example.net" },
      secondary: { pages_project: "shop" },
    },
  });
  if (!created.ok) throw new Error((await created.json()).detail);
  const { id } = await created.json();
  const promoted = await v1.failovers[":id"].promote.$post({ param: { id }, json: { to: "testing" } });
  return promoted.ok ? (await promoted.json()).status : (await promoted.json()).detail;
}
