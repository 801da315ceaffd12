/** The one message at the top of the page. */
import {find} from "./dom.mjs";

export function notify(message) {
  find("notice").textContent = message;
  find("notice").hidden = false;
}

export function clearNotice() {
  find("notice").hidden = true;
}
