// cypress-mailhog: all of its commands, and what they read of the answers. The test has put two mails there.
import assert from "node:assert/strict";

import { base, call, published } from "./asking.mjs";
import { cypress } from "./cypress.mjs";

cypress({ mailHogUrl: base.replace(/\/?$/, "/") });
published("cypress-mailhog");

const all = await call("mhGetAllMails", () => cy.mhGetAllMails());
assert.equal(all.length, 2);
assert.equal((await call("mhFirst", () => cy.mhGetAllMails().mhFirst())).ID, all[0].ID);
assert.equal((await call("mhGetMailsBySubject", () => cy.mhGetMailsBySubject("Plain"))).length, 1);
assert.equal((await call("mhGetMailsByRecipient", () => cy.mhGetMailsByRecipient("john@example.com"))).length, 1);
assert.equal((await call("mhGetMailsBySender", () => cy.mhGetMailsBySender("ana@example.org"))).length, 2);
assert.equal((await call("mhSearchMails", () => cy.mhSearchMails("to", "jane@example.com"))).length, 1);
assert.equal((await call("mhFilterBySubject", () => cy.mhGetAllMails().mhFilterBySubject("Plain"))).length, 1);
assert.equal((await call("mhFilterByRecipient", () => cy.mhGetAllMails().mhFilterByRecipient("jane@example.com"))).length, 1);
assert.equal((await call("mhFilterBySender", () => cy.mhGetAllMails().mhFilterBySender("nobody@example.org"))).length, 0);

const whole = () => cy.wrap(all[1]);
assert.match(await call("mhGetSubject", () => whole().mhGetSubject()), /^=\?utf-8\?/);
assert.match(await call("mhGetBody", () => whole().mhGetBody()), /The HTML/);
assert.equal(await call("mhGetSender", () => whole().mhGetSender()), "ana@example.org");
const recipients = await call("mhGetRecipients", () => whole().mhGetRecipients());
assert.deepEqual(recipients.sort(), ["cc@example.com", "jane@example.com", "john@example.com"]);
assert.deepEqual(await call("mhGetAttachments", () => whole().mhGetAttachments()), ['"a.pdf"']);
await call("mhHasMailWithSubject", () => cy.mhHasMailWithSubject("Plain"));
await call("mhHasMailFrom", () => cy.mhHasMailFrom("ana@example.org"));
await call("mhHasMailTo", () => cy.mhHasMailTo("jane@example.com"));
await call("mhWaitForMails", () => cy.mhWaitForMails(1));

assert.equal(await call("mhGetJimMode", () => cy.mhGetJimMode()), false);
assert.equal((await call("mhSetJimMode on", () => cy.mhSetJimMode(true))).status, 404);
assert.equal((await call("mhSetJimMode off", () => cy.mhSetJimMode(false))).status, 404);
assert.equal((await call("mhDeleteAll", () => cy.mhDeleteAll())).status, 200);
assert.equal((await cy.mhGetAllMails()).length, 0);
