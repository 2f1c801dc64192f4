// Has the tests mount components as a browser would: Svelte's own code for servers is chosen by Vitest otherwise.
import type { Plugin } from "vite";

export function svelteTesting(): Plugin {
  return {
    name: "svelte-testing",
    config: () => (process.env.VITEST ? { resolve: { conditions: ["browser"] } } : {}),
  };
}
