/* Which rows are selected, and what is done with them: marked, deleted, brought back. */

import { count, say } from "./live.js";
import { currentRow, dressers, knownRows, length, refresh } from "./list.js";

const SHOWN = 10_000; // milliseconds for which a notice is shown: as long as a deletion can be taken back

const form = document.getElementById("change");
const rows = document.getElementById("rows");
const notice = document.getElementById("notice");
const everything = document.getElementById("select-all");
const amount = document.getElementById("selected");
const { query } = document.getElementById("list").dataset;

const selected = new Set();
let isAll = false;
let last = null; // the row that was selected last: a range begins there
let hiding = 0;

const box = (row) => row.querySelector("input");

function dress(row) {
  box(row).checked = isAll || selected.has(row.dataset.id);
}

function show() {
  const number = isAll ? length() : selected.size;
  for (const [, row] of knownRows()) dress(row);
  for (const button of form.querySelectorAll(".tools button:not(.all)")) button.disabled = !number;
  form.classList.toggle("has-selection", number > 0);
  amount.textContent = number ? count("selected", number) : "";
  everything.checked = isAll && number > 0;
  everything.indeterminate = !isAll && number > 0;
}

/** Selects a row or no longer, and with it all those from the one that was selected before, if wanted. */
function choose(row, isChosen, isRange) {
  if (isAll) {
    isAll = false;
    for (const [, each] of knownRows()) selected.add(each.dataset.id);
  }
  const known = knownRows().sort(([one], [other]) => one - other).map(([, each]) => each);
  const [from, to] = [known.findIndex((each) => each.dataset.id === last), known.indexOf(row)];
  const range = isRange && from >= 0 ? known.slice(Math.min(from, to), Math.max(from, to) + 1) : [row];
  for (const { dataset } of range) selected[isChosen ? "add" : "delete"](dataset.id);
  last = row.dataset.id;
  show();
}

/** Selects the current row, or no longer. */
export function toggle() {
  const row = currentRow();
  if (row) choose(row, !box(row).checked, false);
}

/** Does what a button of the form says, with what is selected, or else with the current row. */
export function act(action) {
  const row = currentRow();
  if (!isAll && !selected.size && row) return send(action, { id: row.dataset.id });
  return send(action, isAll ? { all: "1" } : { id: [...selected].join(",") });
}

/** Marks the current row or what is selected as read, or as unread if it is read. */
export function toggleRead(base) {
  const row = currentRow();
  return act(`${base}/mark/${row?.matches(".is-unread") ? "read" : "unread"}`);
}

/** Sends a form, and shows what the server says. */
export async function send(action, fields) {
  const body = new URLSearchParams({ part: "notice", ...(query === undefined ? {} : { query }), ...fields });
  const response = await fetch(action, { method: "POST", body }).catch(() => null);
  const isDone = Boolean(response?.ok);
  if (isDone && !action.includes("/mark/")) [isAll, last] = [false, null, selected.clear()];
  tell(isDone ? await response.text() : null);
  await refresh();
  show();
  return isDone;
}

function tell(html) {
  const text = document.createElement("p");
  text.textContent = say("failed");
  const said = html === null ? [] : [...new DOMParser().parseFromString(html, "text/html").body.children];
  if (html === null) {
    const frame = document.createElement("div");
    frame.className = "notice";
    frame.append(text);
    said.push(frame);
  }
  notice.replaceChildren(...said);
  clearTimeout(hiding);
  hiding = setTimeout(() => notice.replaceChildren(), SHOWN);
}

rows.addEventListener("click", (event) => {
  const row = event.target.closest(".row");
  if (row && event.target.matches("input")) choose(row, event.target.checked, event.shiftKey);
});

everything.addEventListener("change", () => {
  isAll = everything.checked;
  selected.clear();
  show();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  if (button?.name === "all") send(button.formAction, { all: "1" });
  else if (button) act(button.formAction);
});

notice.addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.target.action, Object.fromEntries(new FormData(event.target)));
});

document.addEventListener("changed", ({ detail }) => {
  for (const id of detail.gone) selected.delete(id);
  show();
});

dressers.push(dress);
isAll = everything.checked;
for (const checked of rows.querySelectorAll(":checked")) selected.add(checked.value); // before this was learned
show();
if (notice.children.length) hiding = setTimeout(() => notice.replaceChildren(), SHOWN);
