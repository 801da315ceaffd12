/** Networks to and from files, and as Python. */
import {find} from "../common/dom.mjs";
import {notify} from "../common/notice.mjs";
import {MOST_BYTES, readNetwork, writeNetwork} from "../common/safetensors.mjs";
import {saveFile} from "../common/save.mjs";
import {partFor} from "./fitting.mjs";
import {startFrom} from "./loaded.mjs";
import {pythonScript} from "./python.mjs";
import {ACTIVATIONS, fromHash, MOST_LAYERS, MOST_UNITS, toHash} from "./state.mjs";

const LIMITS = {mostLayers: MOST_LAYERS, mostUnits: MOST_UNITS, activations: ACTIVATIONS};
/** Entry of the metadata for the link of the state. */
const LINK = "pynn.playground";

export class Files {
  #now;
  #change;
  #csv = "";

  /**
   * @param {() => Promise<{frame: object, state: object}>} now gives what is shown, once it is
   * @param {(part: object) => void} change asks for new values of parts of the state
   */
  constructor(now, change) {
    this.#now = now;
    this.#change = change;
    const chooser = find("network-file");
    chooser.addEventListener("change", () => {
      if (chooser.files.length > 0) this.load(chooser.files[0]);
      chooser.value = ""; // the same file can be chosen again
    });
    find("save-network").addEventListener("click", () => told(() => this.#save()));
    find("load-network").addEventListener("click", () => chooser.click());
    find("code-open").addEventListener("click", () => told(() => this.#showScript()));
    find("code-copy").addEventListener("click", () => this.#copyScript());
    find("code-save").addEventListener("click", () => {
      saveFile("playground.py", find("code-text").value, "text/x-python");
    });
    find("code-csv").addEventListener("click", () => {
      saveFile("playground.csv", this.#csv, "text/csv");
    });
    find("code-close").addEventListener("click", () => find("code").close());
  }

  async #save() {
    const {frame, state} = await this.#now();
    const content = writeNetwork(frame, {[LINK]: toHash(state)});
    saveFile(`pynn-${frame.sizes.join("-")}.safetensors`, content, "application/octet-stream");
  }

  /** Read a file, and go on with its network. */
  async load(file) {
    const button = find("load-network");
    button.ariaBusy = "true";
    try {
      if (file.size > MOST_BYTES) {
        throw new Error(`it has ${file.size.toLocaleString("en")} bytes, and the page reads at most `
          + MOST_BYTES.toLocaleString("en"));
      }
      await this.#take(new Uint8Array(await file.arrayBuffer()));
    } catch (error) {
      notify(`${file.name} is not a network for this page: ${error.message}`);
    }
    button.ariaBusy = "false";
  }

  async #take(content) {
    const net = readNetwork(content), {state} = await this.#now();
    const link = net.metadata[LINK];
    const saved = link === undefined ? null : fromHash(link).state;
    this.#change(partFor(net, state, saved, LIMITS));
    if (net.isRounded) notify("The float64 numbers of the file were rounded to float32.");
  }

  async #showScript() {
    const {frame, state} = await this.#now();
    const {script, csv, notes} = pythonScript({
      state: {...state, ...frame.settings}, net: frame, steps: frame.steps, data: frame.data,
      parameters: frame.parameters, changes: frame.changes,
      start: state.start === "" ? null : startFrom(state.start),
    });
    this.#csv = csv ?? "";
    find("code-text").value = script;
    find("code-notes").textContent = notes.join(" ");
    find("code-csv").hidden = csv === null;
    find("code").showModal();
    find("code-copy").focus();
    find("code-text").scrollTop = 0;
    this.#copyScript();
  }

  async #copyScript() {
    const place = find("code-text");
    let isCopied = false;
    try {
      await navigator.clipboard.writeText(place.value);
      isCopied = true;
    } catch { // a page in a frame may not write to the clipboard by itself
      place.select();
      isCopied = document.execCommand("copy");
    }
    find("code-status").textContent = isCopied
      ? "Copied." : "The script is selected: copy it with Ctrl+C.";
  }
}

/** Do something, and say why where it fails. */
async function told(doIt) {
  try {
    await doIt();
  } catch (error) {
    notify(error.message);
  }
}
