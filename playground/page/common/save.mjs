/** Files that the user saves. */
import {element} from "./dom.mjs";

/** Offer a file to the user, as browsers do with downloads. */
export function saveFile(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], {type}));
  const link = element("a", {href: address, download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
