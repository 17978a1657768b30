/* What comes while the page is open: hears of it from the server, counts it, and says it. Knows nothing about rows. */

const base = document.body.dataset.base;
const texts = JSON.parse(document.body.dataset.texts);
const news = document.getElementById("news");

const GATHERED = 150; // milliseconds in which what comes is told together
const POLLED = 5_000; // milliseconds between questions when there is no stream
const POLLED_HIDDEN = 30_000; // the same while nobody looks: a hidden page leaves its connection to others

let stream = null;
let polling = 0;
let gathering = 0;
let wasBroken = false;
let changes = nothing();

function nothing() {
  return { came: [], gone: [], isReset: false };
}

/** A text of the page's language, with values in the place of `{name}`. */
export function say(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

/** A text about a number of things. */
export function count(key, number, values = {}) {
  const written = new Intl.NumberFormat(document.documentElement.lang).format(number);
  return say(`${key}.${number === 1 ? "one" : "many"}`, { number: written, ...values });
}

/** Says something to those who do not see the page. */
export function announce(text) {
  news.textContent = text;
}

/** A page of ours as a document; null if there is none. */
export async function page(address) {
  try {
    const response = await fetch(address, { cache: "no-store" });
    return new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    return null;
  }
}

/** Takes the counts out of a page, and the mailboxes. */
export function takeCounts(from) {
  for (const id of ["mailboxes", "count"]) {
    const [old, fresh] = [document.getElementById(id), from.getElementById(id)];
    if (!old || !fresh || old.innerHTML.trim() === fresh.innerHTML.trim()) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    if (focused?.matches("input")) continue;
    old.replaceChildren(...fresh.childNodes);
    if (focused) old.querySelector(`a[href="${CSS.escape(focused.getAttribute("href"))}"]`)?.focus();
  }
  const unread = Number(from.getElementById("rows")?.dataset.unread);
  if (!document.body.matches(".is-reading") && document.getElementById("count") && !Number.isNaN(unread)) {
    document.title = document.title.replace(/^(\([\d,.\s]+\) )?/, unread ? `(${unread}) ` : "");
  }
}

function told() {
  gathering = 0;
  const { came } = changes;
  document.dispatchEvent(new CustomEvent("changed", { detail: changes }));
  if (!document.getElementById("list")) page(`${base}/rows?limit=1`).then((fresh) => fresh && takeCounts(fresh));
  if (came.length === 1) {
    const [{ Subject: subject, From: from }] = came;
    announce(count("came", 1, { subject, sender: from?.Name || from?.Address || "" }));
  } else if (came.length) {
    announce(count("came", came.length));
  }
  changes = nothing();
}

function gather(take) {
  take(changes);
  gathering ||= setTimeout(told, GATHERED);
}

function showState(isLive) {
  let state = document.getElementById("state");
  if (!state) {
    state = document.createElement("p");
    state.id = "state";
    document.body.append(state);
  }
  state.classList.toggle("is-live", isLive);
  state.textContent = say(isLive ? "live" : "broken");
}

function listen() {
  stop();
  stream = new EventSource(`${base}/api/stream`);
  stream.addEventListener("open", () => {
    showState(true);
    if (wasBroken) gather((all) => (all.isReset = true));
    wasBroken = false;
  });
  stream.addEventListener("came", (event) => gather((all) => all.came.push(...JSON.parse(event.data).messages)));
  stream.addEventListener("gone", (event) => gather((all) => all.gone.push(...JSON.parse(event.data).ids)));
  stream.addEventListener("reset", () => gather((all) => (all.isReset = true)));
  stream.addEventListener("error", () => {
    showState(false);
    wasBroken = true;
    if (stream.readyState === EventSource.CLOSED) poll(POLLED);
  });
}

/** Asks again and again; each time it tries to listen, too, when somebody looks. */
function poll(interval) {
  stop();
  polling = setInterval(() => {
    gather((all) => (all.isReset = true));
    if (!document.hidden) listen();
  }, interval);
}

function stop() {
  stream?.close();
  clearInterval(polling);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    poll(POLLED_HIDDEN);
  } else {
    wasBroken = true;
    listen();
  }
});
addEventListener("pagehide", stop);
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    wasBroken = true;
    listen();
  }
});

/* The server writes times in the zone that this cookie names. */
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
document.cookie = `zone=${zone}; path=${document.body.dataset.root}/; SameSite=Strict; max-age=31536000`;
if (zone !== document.body.dataset.zone) gather((all) => (all.isReset = true));

/* The page comes first. */
if (document.readyState === "complete") listen();
else addEventListener("load", listen);
