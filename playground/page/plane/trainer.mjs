/** The page's end of worker.mjs. */
import {coreBytes, startWorker} from "../common/embedded.mjs";
import {FIRST_TABLE, tableOf} from "./tables.mjs";

export class Trainer {
  #worker;
  #id = 0;
  #held = new Set([FIRST_TABLE]); // keys of the tables that the worker has
  #data = {}; // the part of each frame that stays while a network learns

  /**
   * @param {(frame: object) => void} onFrame gets what the network now shows, once for each frame
   *   of the screen, and nothing of networks before the last `set`
   * @param {(message: string) => void} onError gets what stopped training
   */
  constructor(onFrame, onError) {
    this.#worker = startWorker();
    let frame = null;
    this.#worker.onmessage = ({data: message}) => {
      if (message.type === "data") return void (this.#data = message);
      if (message.id !== undefined && message.id !== this.#id) return void this.#send("drawn");
      if (message.type === "error") return void onError(message.message);
      const isAwaited = frame !== null;
      frame = {...this.#data, ...message};
      if (isAwaited) return;
      requestAnimationFrame(() => {
        const newest = frame;
        frame = null;
        this.#send("drawn");
        if (newest.id === this.#id) onFrame(newest);
      });
    };
    this.#worker.onerror = (event) => onError(event.message);
  }

  /** Whether a frame is of the last state that was set. */
  isNewest(frame) {
    return frame?.id === this.#id;
  }

  /** Load the core; the other calls come after it. */
  async start() {
    const bytes = await coreBytes();
    this.#worker.postMessage({type: "start", bytes}, [bytes]);
  }

  /** Go on with this state. */
  set(state) {
    this.#set({state, rewind: false});
  }

  /** Start again from the untrained network of this state; training goes on if it does now. */
  rewind(state) {
    this.#set({state, rewind: true});
  }

  /** Start again, and train at full speed as far as the state says, and further if `goesOn`. */
  replay(state, goesOn) {
    this.#set({state, rewind: true, replay: {goesOn}});
  }

  /** Give a weight or bias this value. */
  edit(weight, value) {
    this.#worker.postMessage({type: "edit", weight, value});
  }

  play() { this.#send("play"); }
  pause() { this.#send("pause"); }
  step() { this.#send("step"); }
  epoch() { this.#send("epoch"); }

  /** Send a state, and its table if the worker does not have it. */
  #set(message) {
    const {state} = message, key = state.data === "table" ? state.table : FIRST_TABLE;
    const table = this.#held.has(key) ? undefined : tableOf(key);
    this.#held.add(key);
    this.#id++;
    this.#worker.postMessage({type: "set", id: this.#id, ...message, table});
  }

  #send(type) {
    this.#worker.postMessage({type});
  }
}
