// mailpit-api: all of its calls, and what it reads of the answers.
import assert from "node:assert/strict";

import { base, call, published } from "./asking.mjs";

const { MailpitClient } = published("mailpit-api");
const mailpit = new MailpitClient(base);
const fails = (status, made) => assert.rejects(made, new RegExp(`Mailpit API Error: ${status} `));

const sent = await call("sendMessage", () =>
  mailpit.sendMessage({
    From: { Email: "sender@example.com", Name: "A Sender" },
    To: [{ Email: "jane@example.com", Name: "Jane" }],
    Cc: [{ Email: "cc@example.com" }],
    Bcc: ["bcc@example.com"],
    ReplyTo: [{ Email: "reply@example.com" }],
    Subject: "Olá, Jane",
    Text: "The text",
    HTML: '<p>The <b>HTML</b> <img src="cid:picture"></p>',
    Headers: { "X-Kind": "test" },
    Tags: ["first"],
    Attachments: [
      { Content: Buffer.from("%PDF").toString("base64"), Filename: "a.pdf", ContentType: "application/pdf" },
      { Content: Buffer.from("png").toString("base64"), Filename: "b.png", ContentType: "image/png", ContentID: "picture" },
    ],
  }),
);
assert.match(sent.ID, /^[0-9A-Za-z]{22}$/);

const info = await call("getInfo", () => mailpit.getInfo());
assert.equal(typeof info.RuntimeStats.Uptime, "number");
assert.ok(info.Messages >= 1 && info.LatestVersion === "disabled" && info.Tags.first === 1);
const settings = await call("getConfiguration", () => mailpit.getConfiguration());
assert.equal(settings.MessageRelay.Enabled, false);

const list = await call("listMessages", () => mailpit.listMessages(0, 10));
assert.equal(list.messages[0].ID, sent.ID);
assert.equal(list.messages[0].Attachments, 1);
assert.equal(list.messages[0].Read, false);
const message = await call("getMessageSummary", () => mailpit.getMessageSummary());
assert.equal(message.ID, sent.ID);
assert.equal(message.Subject, "Olá, Jane");
assert.deepEqual(message.From, { Name: "A Sender", Address: "sender@example.com" });
assert.deepEqual(message.To, [{ Name: "Jane", Address: "jane@example.com" }]);
assert.deepEqual(message.ReplyTo, [{ Name: "", Address: "reply@example.com" }]);
assert.deepEqual(message.Tags, ["first"]);
assert.equal(message.Attachments[0].FileName, "a.pdf");
assert.equal(message.Inline[0].ContentID, "picture");
const headers = await call("getMessageHeaders", () => mailpit.getMessageHeaders(sent.ID));
assert.deepEqual(headers["X-Kind"], ["test"]);
assert.equal(headers["Message-Id"].length, 1);
const blob = await call("getMessageAttachment", () => mailpit.getMessageAttachment("latest", message.Attachments[0].PartID));
assert.equal(blob.type, "application/pdf");
assert.equal(await blob.text(), "%PDF");
const source = await call("getMessageSource", () => mailpit.getMessageSource());
assert.match(source, /^X-Kind: test$/m);
const html = await call("renderMessageHTML", () => mailpit.renderMessageHTML());
assert.match(html, new RegExp(`src="../api/v1/message/${sent.ID}/part/${message.Inline[0].PartID}"`));
assert.match(await call("renderMessageHTML embed", () => mailpit.renderMessageHTML(sent.ID, 1)), /<b>HTML<\/b>/);
assert.equal((await call("renderMessageText", () => mailpit.renderMessageText(sent.ID))).trim(), "The text");

const search = await call("searchMessages", () => mailpit.searchMessages({ query: "to:jane", start: 0, limit: 5, tz: "Europe/Lisbon" }));
assert.equal(search.messages_count, 1);
assert.equal((await call("waitForMessage", () => mailpit.waitForMessage({ query: 'subject:"Olá, Jane"' }))).ID, sent.ID);
assert.equal((await call("waitForMessages", () => mailpit.waitForMessages({ query: "to:jane", count: 1, exact: true }))).messages_count, 1);
assert.ok((await call("waitForMessages all", () => mailpit.waitForMessages({ timeout: 1000 }))).messages_count >= 1);

const state = async () => (await mailpit.searchMessages({ query: "to:jane" })).messages[0].Read;
assert.equal(await call("setReadStatus", () => mailpit.setReadStatus()), "ok");
assert.equal(await state(), false);
assert.equal(await call("setReadStatus ids", () => mailpit.setReadStatus({ IDs: [sent.ID], Read: true })), "ok");
assert.equal(await state(), true);
assert.equal(await call("setReadStatus search", () => mailpit.setReadStatus({ Search: "to:jane after:2020-01-01" }, { tz: "America/Chicago" })), "ok");
assert.equal(await state(), false);

assert.equal(await call("setTags", () => mailpit.setTags({ IDs: [sent.ID], Tags: ["one", "Tag 2"] })), "ok");
assert.deepEqual(await call("getTags", () => mailpit.getTags()), ["Tag 2", "one"]);
assert.equal(await call("renameTag", () => mailpit.renameTag("Tag 2", "three")), "ok");
assert.equal(await call("deleteTag", () => mailpit.deleteTag("one")), "ok");
assert.deepEqual(await mailpit.getTags(), ["three"]);
assert.equal(await call("setTags none", () => mailpit.setTags({ IDs: [sent.ID] })), "ok");
assert.deepEqual(await mailpit.getTags(), []);

await call("releaseMessage", () => fails(400, () => mailpit.releaseMessage(sent.ID, ["x@example.com"])));
await call("getChaosTriggers", () => fails(400, () => mailpit.getChaosTriggers()));
await call("setChaosTriggers", () => fails(400, () => mailpit.setChaosTriggers()));
await call("htmlCheck", () => fails(404, () => mailpit.htmlCheck()));
await call("linkCheck", () => fails(404, () => mailpit.linkCheck()));
await call("spamAssassinCheck", () => fails(404, () => mailpit.spamAssassinCheck()));
await call("getAttachmentThumbnail", () => fails(404, () => mailpit.getAttachmentThumbnail("latest", "1")));
await call("a message that is not there", () => fails(404, () => mailpit.getMessageSummary("x".repeat(22))));

assert.equal(await call("deleteMessagesBySearch", () => mailpit.deleteMessagesBySearch({ query: "subject:nothing" })), "ok");
assert.equal((await mailpit.searchMessages({ query: "to:jane" })).messages_count, 1);
assert.equal(await call("deleteMessages ids", () => mailpit.deleteMessages({ IDs: [sent.ID] })), "ok");
assert.equal((await mailpit.searchMessages({ query: "to:jane" })).messages_count, 0);
assert.equal(await call("deleteMessages", () => mailpit.deleteMessages()), "ok");
assert.equal((await mailpit.waitForMessages({ count: 0 })).total, 0);
