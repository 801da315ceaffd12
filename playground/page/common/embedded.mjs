/**
 * What `playground/join.py` puts into the page beside its script: the core, the worker, and the network
 * and images of the room Digits.
 */
import {find} from "./dom.mjs";

/** @returns {Promise<ArrayBuffer>} the content of pynn.wasm */
export function coreBytes() {
  return embeddedBytes("embedded-core");
}

/** @returns {Promise<ArrayBuffer>} the content of a file that the page holds compressed */
export function embeddedBytes(id) {
  const text = find(id).textContent;
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
