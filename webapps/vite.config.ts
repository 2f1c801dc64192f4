// How the app is built: one page for every address below /webapps/, files named by their content.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { svelteTesting } from "./scripts/testing";

const product = process.env.PRODUCT ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "/webapps/",
  plugins: [svelte(), svelteTesting()],
  // A page for everything below the base: which models it offers is told by its address.
  appType: "spa",
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0, reportCompressedSize: false },
  server: { proxy: { "/api": product, "/files": product } },
  test: { environment: "happy-dom", include: ["tests/**/*.test.ts"], restoreMocks: true },
});
