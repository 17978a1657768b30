/* The list: it rolls through all that is found, however much, and knows which row is the current one.

A row is where its place says (`--place`); rows far from view are not in the document. What is selected, and what is done
with it, is in selection.js. */

import { page, takeCounts } from "./live.js";

const ROWS = 50; // that are asked for at once
const AROUND = 12; // rows that are ready above and below what is seen
const MOST_KEPT = 1_000; // rows that are remembered
const HIGHEST = 200_000; // rows: a taller list is more than browsers can lay out, so it comes in parts
const MOST_ASKED = 2; // questions at once
const AGAIN = 2_000; // milliseconds until rows are asked for again that could not be told
const MOST_DRAWN = 8; // rows that are put into the document in a frame: more would hold up scrolling

const section = document.getElementById("list");
const rows = document.getElementById("rows");
const scroller = section.querySelector(".scroller");
const { base } = document.body.dataset;
const { query } = section.dataset;

const known = new Map(); // rows by their places
const places = new WeakMap(); // places by rows
const sources = new WeakMap(); // what each row was made of
const asked = new Set();
let found = Number(rows.dataset.found);
let height = 1; // pixels of a row
let room = scroller.clientHeight; // pixels in which rows are seen
let drawing = 0;
let current = Number(rows.dataset.start);
let currentId = null;
let roving = null; // the row that Tab leads to
const origin = current - (current % HIGHEST); // the place of the first row of this part
let generation = 0;
let isRefreshing = false;
let isStale = false;

/** Calls something for each row that is made or changed. */
export const dressers = [];

const tall = () => Math.max(0, Math.min(found - origin, HIGHEST));
const link = (row) => row?.querySelector(".opener");

/** All rows that are remembered, with their places. */
export const knownRows = () => [...known];

/** How many messages there are in the list. */
export const length = () => found;

/** The current row, if there is one. */
export const currentRow = () => known.get(current);

function take(row, place) {
  known.set(place, row);
  places.set(row, place);
  row.style.setProperty("--place", place - origin);
  row.ariaPosInSet = String(place + 1);
  row.ariaSetSize = String(found);
  link(row).tabIndex = row === roving ? 0 : -1;
  for (const dress of dressers) dress(row);
}

function seen() {
  const top = scroller.scrollTop;
  return [origin + Math.floor(top / height), origin + Math.min(tall(), Math.ceil((top + room) / height))];
}

/** Shows in the next frame, once, what is to be seen then. */
function draw() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    show();
  });
}

/** Puts rows into the document, in their order, some in each frame, and asks for those that are not known. */
function show(most = MOST_DRAWN) {
  const [first, end] = seen();
  const [from, to] = [Math.max(origin, first - AROUND), Math.min(origin + tall(), end + AROUND)];
  const around = [];
  if (current < from) around.push(current);
  for (let place = from; place < to; place += 1) around.push(place);
  if (current >= to) around.push(current);
  const isSeen = (place) => (place >= first && place < end) || place === current;
  const missing = around.filter((place) => known.get(place)?.isConnected === false);
  const added = [...missing.filter(isSeen), ...missing.filter((place) => !isSeen(place))].slice(0, most);
  put(around.map((place) => known.get(place)).filter((row) => row?.isConnected), added);
  if (added.length < missing.length) draw();
  const unknown = around.filter((place) => !known.has(place));
  for (const piece of new Set(unknown.map((place) => Math.floor(place / ROWS)))) ask(piece);
  forget(from, to);
}

/** Leaves these rows in the document, and adds those of some places where they belong. */
function put(kept, added) {
  const staying = new Set(kept);
  for (const row of [...rows.children]) if (!staying.has(row)) row.remove();
  const placed = [...kept.map((row) => places.get(row)), ...added].sort((one, other) => one - other);
  let next = rows.firstElementChild;
  for (const row of placed.map((place) => known.get(place))) {
    if (row === next) next = next.nextElementSibling;
    else rows.insertBefore(row, next);
  }
  rove();
}

/** Tab leads to the current row, and from there out of the list. */
function rove() {
  const row = known.get(current);
  if (row === roving) return;
  if (roving) link(roving).tabIndex = -1;
  if (row) link(row).tabIndex = 0;
  roving = row;
}

function forget(from, to) {
  if (known.size <= MOST_KEPT) return;
  for (const place of known.keys()) {
    if ((place < from - MOST_KEPT / 4 || place > to + MOST_KEPT / 4) && place !== current) known.delete(place);
  }
}

function address(start, limit) {
  const fields = new URLSearchParams({ start, limit });
  if (query !== undefined) fields.set("query", query);
  return `${base}/rows?${fields}`;
}

async function ask(piece) {
  if (asked.has(piece) || asked.size >= MOST_ASKED) return;
  const mine = generation;
  asked.add(piece);
  const fresh = await page(address(piece * ROWS, ROWS));
  if (mine !== generation) return;
  asked.delete(piece);
  if (!fresh?.getElementById("rows")) {
    setTimeout(draw, AGAIN);
    return;
  }
  rowsOf(fresh).forEach((row, number) => {
    if (!known.has(piece * ROWS + number)) take(adopted(row), piece * ROWS + number);
  });
  draw();
}

const rowsOf = (fresh) => [...fresh.getElementById("rows").children];
const sourceOf = (row) => row.className + row.innerHTML;

function adopted(row) {
  const own = document.adoptNode(row);
  sources.set(own, sourceOf(own));
  return own;
}

/** Asks again for what is seen. Rows stay where they are on the screen, even if others have come above them. */
export async function refresh(came = 0) {
  if (isRefreshing) {
    isStale = true;
    return;
  }
  isRefreshing = true;
  generation += 1;
  asked.clear();
  const [first, end] = seen();
  const anchor = scroller.scrollTop < height ? null : known.get(first)?.dataset.id;
  const start = Math.max(origin, first - AROUND + (anchor ? came : 0));
  const fresh = await page(address(start, Math.min(200, end - first + 2 * AROUND + 1)));
  isRefreshing = false;
  if (fresh?.getElementById("rows")) {
    replace(fresh, start, anchor, first);
    takeCounts(fresh);
  } else {
    setTimeout(refresh, AGAIN);
  }
  if (isStale) {
    isStale = false;
    await refresh();
  }
}

function replace(fresh, start, anchor, first) {
  const hadFocus = rows.contains(document.activeElement) && !document.activeElement.matches("input");
  const old = new Map([...known.values()].map((row) => [row.dataset.id, row]));
  found = Number(fresh.getElementById("rows").dataset.found);
  known.clear();
  rowsOf(fresh).forEach((row, number) => {
    const before = old.get(row.dataset.id);
    take(before && sources.get(before) === sourceOf(row) ? before : adopted(row), start + number);
  });
  const placeOf = new Map([...known].map(([place, row]) => [row.dataset.id, place]));
  current = Math.max(origin, placeOf.get(currentId) ?? Math.min(current, origin + tall() - 1));
  currentId = known.get(current)?.dataset.id ?? currentId;
  measure();
  if (anchor && placeOf.has(anchor)) scroller.scrollTop += (placeOf.get(anchor) - first) * height;
  section.querySelector(".nothing").hidden = found > 0;
  show(ROWS);
  if (hadFocus && !rows.contains(document.activeElement)) link(currentRow())?.focus({ preventScroll: true });
}

/** Learns how high a row is; it differs with the width. */
function measure() {
  rows.style.setProperty("--found", tall());
  if (tall()) height = rows.clientHeight / tall() || height;
}

/** What leads to other pages leads to other parts of the list, of which there are hardly ever any. */
function turnParts() {
  const pages = section.querySelector(".pages");
  pages?.querySelector("span")?.remove();
  for (const [name, start] of [["prev", origin - HIGHEST], ["next", origin + HIGHEST]]) {
    const part = pages?.querySelector(`[rel=${name}]`);
    if (!part) continue;
    const address = new URL(part.href);
    address.searchParams.set("start", start);
    if (start >= 0 && start < found) part.href = address;
    else part.remove();
  }
  if (!pages?.children.length) pages?.remove();
}

/** Makes a row the current one, and scrolls to it. */
export function goTo(place) {
  current = Math.max(origin, Math.min(origin + tall() - 1, place));
  currentId = known.get(current)?.dataset.id ?? null;
  const top = (current - origin) * height;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top + height > scroller.scrollTop + room) scroller.scrollTop = top + height - room;
  show();
}

/** Goes some rows on, and focuses the one there. */
export function move(rowsOn) {
  goTo(rows.contains(document.activeElement) ? current + rowsOn : current);
  focusCurrent();
}

/** How many rows are seen at once. */
export const screenful = () => Math.max(1, Math.floor(room / height) - 1);

/** Focuses the current row, as soon as it is there. */
export function focusCurrent(triesLeft = 20) {
  const row = currentRow();
  if (row?.isConnected) link(row).focus({ preventScroll: true });
  else if (triesLeft && found) setTimeout(focusCurrent, 50, triesLeft - 1);
}

rows.addEventListener("focusin", (event) => {
  const id = event.target.closest(".row")?.dataset.id;
  const place = [...known].find(([, row]) => row.dataset.id === id)?.[0];
  if (place === undefined || place === current) return;
  [current, currentId] = [place, id];
  show();
});

rows.addEventListener("click", async (event) => {
  const opener = event.target.closest(".opener");
  if (!opener || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  (await import("./reader.js")).open(opener.href);
});

/* Selecting is learned when somebody comes near; until then the form works as it does without script. */
for (const near of ["pointerover", "focusin", "change"]) {
  document.getElementById("change").addEventListener(near, () => import("./selection.js"), { once: true });
}

scroller.addEventListener("scroll", draw);

new ResizeObserver(() => {
  const top = scroller.scrollTop / height;
  const before = height;
  room = scroller.clientHeight;
  measure();
  if (before !== height) scroller.scrollTop = top * height;
  draw();
}).observe(scroller);

document.addEventListener("changed", ({ detail }) => refresh(query === undefined ? detail.came.length : 0));

[...rows.children].forEach((row, number) => {
  sources.set(row, sourceOf(row));
  take(row, current + number);
});
currentId = known.get(current)?.dataset.id ?? null;
rows.classList.add("is-rolling");
document.body.classList.add("has-script");
measure();
turnParts();
if (current > origin) scroller.scrollTop = (current - origin) * height;
show();
