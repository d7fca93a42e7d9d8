// The page is at `<base>/console` and its files are below `<base>/console/`, whatever the base is:
// a stage of API Gateway, a custom domain's base path, or nothing. So every address is relative.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL("src", import.meta.url)),
  base: "./",
  publicDir: false,
  logLevel: "warn",
  experimental: {
    renderBuiltUrl: (name, { hostType }) =>
      hostType === "html" ? `console/${name}` : { relative: true },
  },
  build: {
    outDir: "../out",
    emptyOutDir: true,
    assetsDir: "",
    assetsInlineLimit: 0, // the content security policy has no exception for inline content
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    target: ["chrome123", "firefox120", "safari17.5"], // the first with light-dark()
    rollupOptions: {
      output: {
        entryFileNames: "[name]-[hash].js",
        chunkFileNames: "[name]-[hash].js",
        assetFileNames: "[name]-[hash][extname]",
      },
    },
  },
});
