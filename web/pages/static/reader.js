/* Reading a message beside the list, or in its place. Each view has its address, so that back and forward work. */

import { page, takeCounts } from "./live.js";
import { currentRow, dressers, focusCurrent, goTo, knownRows, refresh } from "./list.js";
import { send } from "./selection.js";

const main = document.getElementById("main");
const { base } = document.body.dataset;
const home = location.pathname + location.search;
const title = document.title;
let wanted = "";
let opened = null; // the id of the message that is shown

const shown = () => main.querySelector(":scope > :not(#list)");

/** Shows a page of ours beside the list: a message, or why there is none. */
export async function open(address, how = "push", isTab = false) {
  wanted = address;
  const fresh = await page(address);
  if (wanted !== address) return;
  const view = fresh?.querySelector("main > *");
  if (!view) {
    location.assign(address);
    return;
  }
  if (how === "push") history.pushState(null, "", address);
  if (how === "replace") history.replaceState(null, "", address);
  shown()?.remove();
  main.append(document.adoptNode(view));
  document.body.classList.add("is-reading");
  document.title = fresh.title;
  takeCounts(fresh);
  mark(view.dataset.id ?? null);
  (isTab ? view.querySelector("[aria-current]") : view.querySelector("h1"))?.focus({ preventScroll: true });
  const { again } = view.dataset; // seconds: it cannot be shown now
  if (again) setTimeout(() => wanted === address && open(address, "stay", isTab), 1000 * again);
  await refresh();
}

/** Shows the list alone. */
export function close(how = "push") {
  wanted = "";
  if (how === "push") history.pushState(null, "", home);
  shown()?.remove();
  document.body.classList.remove("is-reading");
  document.title = title;
  mark(null);
  focusCurrent();
  refresh();
}

/** Opens the message that stands some rows further on. */
export function next(rowsOn) {
  const place = knownRows().find(([, row]) => row === currentRow())?.[0];
  if (place === undefined) return;
  goTo(place + rowsOn);
  const opener = currentRow()?.querySelector(".opener");
  if (opener && currentRow().dataset.id !== shown()?.dataset.id) open(opener.href, "replace");
}

function dress(row) {
  row.classList.toggle("is-open", row.dataset.id === opened);
}

function mark(id) {
  opened = id;
  for (const [, row] of knownRows()) dress(row);
}

dressers.push(dress);

main.addEventListener("click", (event) => {
  const link = event.target.closest("#message a, main > .nothing a");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const { origin, pathname } = new URL(link.href);
  if (origin !== location.origin || link.target || link.hasAttribute("download")) return;
  if (link.matches(".back, .nothing a")) {
    event.preventDefault();
    close();
  } else if (pathname.startsWith(`${new URL(base || "/", location).pathname.replace(/\/$/, "")}/view/`)) {
    event.preventDefault();
    open(link.href, "push", true);
  }
});

main.addEventListener("submit", async (event) => {
  if (event.target.id !== "change-message") return;
  event.preventDefault();
  const id = new FormData(event.target).get("id");
  if (await send(event.submitter.formAction, { id })) close();
});

addEventListener("popstate", () => {
  const address = location.pathname + location.search;
  if (address === home) close("stay");
  else if (address.startsWith(`${base}/view/`)) open(address, "stay");
  else location.reload();
});
