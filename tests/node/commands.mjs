// One command a line on stdin, one answer a line on stdout. A process that stays keeps its
// library's cache warm, as a gateway's does.
import { createInterface } from "node:readline";

/** Answers {"token": …} by `verify` and {"renew": true} by `renew`. */
export async function answerCommands({ verify, renew }) {
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    let answer = {};
    try {
      if (command.renew) await renew();
      else answer = { claims: await verify(command.token) };
    } catch (error) {
      answer = { refusal: error.code ?? error.constructor.name, message: error.message };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
}
