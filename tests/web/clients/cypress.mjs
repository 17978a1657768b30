// As much of Cypress as its plug-ins for Mailpit and MailHog use. A chain is a promise that has the commands as methods.
import assert from "node:assert/strict";

// Cypress does one command after another, also those whose chain is not returned: here these are what has a condition.
const conditions = [];

export class Chain extends Promise {
  its = (name) => this.then((subject) => subject[name]);
  should = (condition, number) => {
    const held = this.then((subject) => {
      if (condition === "not.have.length") assert.notEqual(subject.length, number);
      else if (condition === "to.have.length.greaterThan") assert.ok(subject.length > number);
      else assert.fail(`no condition is called ${condition}`);
      return subject;
    });
    conditions.push(held);
    return held;
  };
}

async function request({ method, url, qs, body, failOnStatusCode = true }) {
  const target = new URL(url);
  Object.entries(qs ?? {}).forEach(([name, value]) => target.searchParams.set(name, value));
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await fetch(target, { method, headers, body: JSON.stringify(body) });
  if (failOnStatusCode) assert.ok(response.ok, `${method} ${target}: ${response.status} ${await response.clone().text()}`);
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return { status: response.status, body: isJson ? await response.json() : await response.text() };
}

export function cypress(settings) {
  const chain = (value) => Chain.resolve(value);
  globalThis.cy = {
    env: () => chain({}),
    request: (options) => chain(request(options)),
    verifyUpcomingAssertions: (value) => chain(value),
    wait: (milliseconds) => new Chain((resolve) => setTimeout(resolve, milliseconds)),
    wrap: chain,
  };
  globalThis.Cypress = {
    config: (name) => ({ defaultCommandTimeout: 2000, ...settings })[name],
    env: (name) => settings[name],
    expose: (name) => settings[name],
    Commands: {
      add(name, ...rest) {
        const command = rest.pop();
        if (rest[0]?.prevSubject) Chain.prototype[name] = function (...given) { return this.then((subject) => command(subject, ...given)); };
        else cy[name] = (...given) => chain(command(...given) ?? Promise.all(conditions.splice(0)));
      },
    },
  };
}
