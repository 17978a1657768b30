// What the tests of all clients share: where the packages and the server are, and a list of the calls that were made.
import { createRequire } from "node:module";

export const [base] = process.argv.slice(2);
export const packages = `${process.env.CLIENTS}/node_modules`;
export const published = createRequire(`${packages}/`);

// Makes a call and says its name: the test compares the list.
export async function call(name, made) {
  const value = await made();
  console.log(name);
  return value;
}
