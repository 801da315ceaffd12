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

const END_OF_SHARED = "/* The worker has all modules above. */";

/** @returns {Worker} worker.mjs, running; it shares the first modules of the page's script */
export function startWorker() {
  const [shared] = find("page-script").textContent.split(END_OF_SHARED, 1);
  const source = [shared, find("embedded-worker").textContent];
  const address = URL.createObjectURL(new Blob(source, {type: "text/javascript"}));
  return new Worker(address);
}
