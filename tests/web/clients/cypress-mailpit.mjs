// cypress-mailpit: all of its commands, and what they read of the answers.
import assert from "node:assert/strict";
import { register } from "node:module";

import { base, call, packages } from "./asking.mjs";
import { cypress } from "./cypress.mjs";

cypress({ MAILPIT_URL: base });
register("./hooks.mjs", import.meta.url);
await import(`${packages}/cypress-mailpit/dist/index.js`);

await call("mailpitDeleteAllEmails", () => cy.mailpitDeleteAllEmails());
const sent = await call("mailpitSendMail", () => cy.mailpitSendMail());
assert.match(sent.ID, /^[0-9A-Za-z]{22}$/);
await cy.mailpitSendMail({ subject: "Second", to: [{ Email: "jane@example.com" }], cc: [], bcc: [], textBody: "Text", htmlBody: "", attachments: [{ Content: "eA==", Filename: "x.txt" }] });

const all = await call("mailpitGetAllMails", () => cy.mailpitGetAllMails());
assert.deepEqual(all.messages.map((row) => row.Subject), ["Second", "Hello Mailpit"]);
assert.equal(all.messages[1].ID, sent.ID);
const mail = () => cy.mailpitGetMail(sent.ID);
await call("mailpitGetMail", mail);
assert.equal(await call("mailpitGetSubject", () => mail().mailpitGetSubject()), "Hello Mailpit");
assert.equal(await call("mailpitGetFromAddress", () => mail().mailpitGetFromAddress()), "from@example.com");
assert.deepEqual(await call("mailpitGetRecipientAddress", () => mail().mailpitGetRecipientAddress()), ["jane@example.com"]);
assert.deepEqual((await mail()).Bcc, [{ Name: "", Address: "bcc@example.com" }]);
assert.equal((await call("mailpitGetMailHTMlBody", () => mail().mailpitGetMailHTMlBody())).trim(), "<p>hello from mailpit</p>");
assert.equal((await call("mailpitGetMailTextBody", () => mail().mailpitGetMailTextBody())).trim(), "hello from mailpit");
assert.deepEqual(await call("mailpitGetAttachments", () => cy.mailpitGetMail().mailpitGetAttachments()), ["x.txt"]);

const count = (page) => page.messages_count;
assert.equal(count(await call("mailpitSearchEmails", () => cy.mailpitSearchEmails("jane"))), 2);
assert.equal(count(await call("mailpitGetEmailsBySubject", () => cy.mailpitGetEmailsBySubject("Second"))), 1);
assert.equal(count(await call("mailpitGetEmailsByTo", () => cy.mailpitGetEmailsByTo("jane@example.com"))), 2);
assert.equal(count(await call("mailpitHasEmailsBySearch", () => cy.mailpitHasEmailsBySearch("has:attachment"))), 1);
assert.equal(count(await call("mailpitNotHasEmailsBySearch", () => cy.mailpitNotHasEmailsBySearch("from:nobody"))), 0);
assert.equal(count(await call("mailpitHasEmailsBySubject", () => cy.mailpitHasEmailsBySubject("Second"))), 1);
assert.equal(count(await call("mailpitNotHasEmailsBySubject", () => cy.mailpitNotHasEmailsBySubject("Third"))), 0);
assert.equal(count(await call("mailpitHasEmailsByTo", () => cy.mailpitHasEmailsByTo("jane"))), 2);
assert.equal(count(await call("mailpitNotHasEmailsByTo", () => cy.mailpitNotHasEmailsByTo("nobody"))), 0);

const unread = async () => (await cy.mailpitGetAllMails()).unread;
assert.equal(await call("mailpitSetAllEmailStatusAsRead", () => cy.mailpitSetAllEmailStatusAsRead()), "ok");
assert.equal(await unread(), 0);
assert.equal(await call("mailpitSetAllEmailStatusAsUnRead", () => cy.mailpitSetAllEmailStatusAsUnRead()), "ok");
assert.equal(await unread(), 2);
assert.equal(await call("mailpitSetStatusAsRead", () => cy.wrap([{ ID: sent.ID }]).mailpitSetStatusAsRead()), "ok");
assert.equal(await unread(), 1);
assert.equal(await call("mailpitSetStatusAsUnRead", () => cy.wrap({ ID: sent.ID }).mailpitSetStatusAsUnRead()), "ok");
assert.equal(await unread(), 2);

await call("mailpitGetMailSpamAssassinSummary", () => assert.rejects(mail().mailpitGetMailSpamAssassinSummary(), /404/));
await call("mailpitGetMailSpamAssainSummary", () => assert.rejects(mail().mailpitGetMailSpamAssainSummary(), /404/));
await call("mailpitDeleteEmailsBySearch", () => cy.mailpitDeleteEmailsBySearch("subject:Second"));
assert.deepEqual((await cy.mailpitGetAllMails()).messages.map((row) => row.Subject), ["Hello Mailpit"]);
