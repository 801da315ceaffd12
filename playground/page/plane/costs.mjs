/** Costs by epoch, for the chart. The same training gives the same rows, however fast it is. */

const MOST_ROWS = 500;

export class Costs {
  #rows = []; // [epoch, training cost, test cost], from epoch 0
  #apart = 1; // epochs between two rows

  /** The epoch of the next row. */
  get next() { return this.#rows.length * this.#apart; }

  /** Add the row of the next epoch; where there are many, every second one is dropped. */
  add(training, test) {
    this.#rows.push([this.next, training, test]);
    if (this.#rows.length < MOST_ROWS) return;
    this.#rows = this.#rows.filter((_, i) => i % 2 === 0);
    this.#apart *= 2;
  }

  /** @returns {Float64Array} all rows, and one for now, which may be within an epoch */
  until(epoch, training, test) {
    return Float64Array.from([...this.#rows, [epoch, training, test]].flat());
  }
}
