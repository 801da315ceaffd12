/** Elements of the page. */

/** @returns {HTMLElement} the element with this id */
export function find(id) {
  return document.getElementById(id);
}

/** @returns {HTMLElement} a new element with these properties */
export function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
