/**
 * What `playground/join.py` puts into the page beside its script: the core and the worker.
 */
import {find} from "./dom.mjs";

/** @returns {Promise<ArrayBuffer>} the content of pynn.wasm, which the page holds compressed */
export function coreBytes() {
  const text = find("embedded-core").textContent;
  const packed = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).arrayBuffer();
}

/** @returns {Worker} worker.mjs, running */
export function startWorker() {
  const source = find("embedded-worker").textContent;
  const address = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  return new Worker(address);
}
