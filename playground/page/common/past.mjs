/** Undo and redo, for rooms whose state is an object that is replaced and never changed. */

/** States that can be undone and redone. */
export class Past {
  #before = [];
  #after = [];

  get canUndo() { return this.#before.length > 0; }
  get canRedo() { return this.#after.length > 0; }

  /** Remember the state before a change. */
  add(state) {
    this.#before.push(state);
    if (this.#before.length > 200) this.#before.shift();
    this.#after = [];
  }

  /** @returns {object} the state before the last change that was not undone */
  undo(state) {
    this.#after.push(state);
    return this.#before.pop();
  }

  redo(state) {
    this.#before.push(state);
    return this.#after.pop();
  }
}
