/* The keyboard: what each key does, in the list and in a message. Knows nothing about how it is done. */

const { base } = document.body.dataset;
const help = document.getElementById("help");
const search = document.getElementById("query");
const letters = document.getElementById("letters");

const LETTERS = "letters"; // where a browser remembers whether letters count as keys
const MOVING = /^(Arrow|Page|Home|End)/; // keys that scroll a message

const hasList = Boolean(document.getElementById("list"));
const selection = () => import("./selection.js");
const reader = () => import("./reader.js");
const isReading = () => Boolean(document.getElementById("message"));
const isInList = () => hasList && (!isReading() || Boolean(document.activeElement.closest("#list")));
const press = (selector) => document.querySelector(selector)?.click();

async function step(rows) {
  if (isInList()) list.move(rows);
  else if (hasList) (await reader()).next(rows);
}

const actions = {
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  PageDown: () => step(list.screenful()),
  PageUp: () => step(-list.screenful()),
  Home: () => step(-Infinity),
  End: () => step(Infinity),
  u: () => press("#message .back"),
  x: async () => isInList() && (await selection()).toggle(),
  r: async () => (isInList() ? (await selection()).toggleRead(base) : press("#message [formaction*='/mark/']")),
  Delete: async () => (isInList() ? (await selection()).act(`${base}/delete`) : press("#message [formaction$='/delete']")),
};

/* What takes no time, and what the next key may be meant for. */
const prompt = {
  "/": () => {
    search.focus();
    search.select();
  },
  "?": () => help.togglePopover(),
};

/* One after the other: a key may have to wait for its module. */
let list = null;
let done = Promise.resolve();
if (hasList) done = import("./list.js").then((module) => (list = module));

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (key === "Escape" && target === search) search.blur();
  if (target.closest("input:not([type=checkbox]), textarea, select")) return;
  if (help.matches(":popover-open") && key !== "?") return;
  if (key.length === 1 && !letters.checked) return;
  if (MOVING.test(key) && !isInList()) return;
  if (Object.hasOwn(prompt, key)) {
    event.preventDefault();
    prompt[key]();
  } else if (Object.hasOwn(actions, key)) {
    event.preventDefault();
    done = done.then(actions[key]).catch(reportError);
  }
});

letters.checked = localStorage.getItem(LETTERS) !== "off";
letters.addEventListener("change", () => localStorage.setItem(LETTERS, letters.checked ? "on" : "off"));
document.body.classList.add("has-script");
