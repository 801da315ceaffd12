// node run_wasm.mjs PROGRAM ARGUMENT...: run a WebAssembly program and exit with its status.
import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { WASI } from "node:wasi";

// fast calls of WASI's functions crash node 20 after many writes (nodejs/node issue 52402)
setFlagsFromString("--no-turbo-fast-api-calls");

const args = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args });
const { instance } = await WebAssembly.instantiate(await readFile(args[0]), wasi.getImportObject());
process.exitCode = wasi.start(instance);
