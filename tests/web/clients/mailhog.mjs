// mailhog for Node: all of its calls, and what it reads of the answers. The test has put two mails there.
import assert from "node:assert/strict";

import { base, call, published } from "./asking.mjs";

const { hostname, port, pathname } = new URL(base);
const mailhog = published("mailhog")({ host: hostname, port, basePath: `${pathname.replace(/\/$/, "")}/api` });

const list = await call("messages", () => mailhog.messages(0, 10));
assert.equal(list.count, 2);
assert.equal(list.total, 2);
const [plain, whole] = list.items;
assert.equal(whole.subject, "Olá, Jane");
assert.equal(whole.from, "ana@example.org");
assert.equal(whole.to, "jane@example.com, john@example.com");
assert.equal(whole.cc, "cc@example.com");
assert.equal(whole.bcc, undefined);
assert.equal(whole.replyTo, "reply@example.com");
assert.equal(whole.text.trim(), "Olá, the text");
assert.equal(whole.html.trim(), "<p>The HTML</p>");
assert.equal(whole.date.getTime(), Date.parse("2026-11-27T09:00:00Z"));
assert.ok(whole.deliveryDate.getTime() > 0);
assert.deepEqual(whole.attachments.map(({ name, type, encoding }) => [name, type, encoding]), [["a.pdf", "application/pdf", "base64"]]);
assert.equal(mailhog.decode(whole.attachments[0].Body, "base64"), "%PDF");
assert.equal(plain.text.trim(), "Only text");
assert.equal((await call("messages from 1", () => mailhog.messages(1, 1))).items[0].ID, whole.ID);

assert.equal((await call("search", () => mailhog.search("the text"))).count, 1);
assert.equal((await call("search from", () => mailhog.search("ana@example.org", "from", 0, 10))).count, 2);
assert.equal((await call("search to", () => mailhog.search("cc@example.com", "to"))).total, 1);
assert.equal((await call("latestFrom", () => mailhog.latestFrom("ana@example.org"))).ID, plain.ID);
assert.equal((await call("latestTo", () => mailhog.latestTo("jane@example.com"))).ID, whole.ID);
assert.equal((await call("latestContaining", () => mailhog.latestContaining("Only text"))).ID, plain.ID);
assert.equal(await call("latestTo nobody", () => mailhog.latestTo("nobody@example.com")), 0);
await call("releaseMessage", () => assert.rejects(mailhog.releaseMessage(plain.ID, { host: "x", port: "25", email: "x@example.com" })));

assert.equal((await call("deleteMessage", () => mailhog.deleteMessage(plain.ID))).statusCode, 200);
assert.equal((await mailhog.messages()).items[0].ID, whole.ID);
assert.equal((await call("deleteAll", () => mailhog.deleteAll())).statusCode, 200);
assert.equal((await mailhog.messages()).count, 0);
