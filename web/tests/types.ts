// That the declarations which are served say what the client does: this file only has to compile.

import { connect, RequestError, Socket, type Message, type Resumed, type State } from "../dist/sockeye";

const messages: Message[] = [];
const socket = new Socket(
  false,
  () => {},
  (message) => messages.push(message),
  (source, cause) => source + cause,
);
const other: Socket = connect("/chat/lobby", {
  onstate: (state: State) => state.name,
  format: "text",
  binaryType: "blob",
});
const sent: boolean = socket.send({ channel: "general", cmd: "chat", param: { text: "hello" } });
const answer: Promise<string> = other.request("time", undefined, { timeout: 100 });
answer.catch((error: RequestError) => error.why === "timeout");
socket.on("chat", (param, message) => [param.text, message.from, sent]).off("chat");
other.onclose = ({ code, reason, wasClean }) => [code + 1, reason.length, !wasClean];
const next: Socket = connect("/feed", { resume: sessionStorage.getItem("place") });
const place: string | undefined = next.resumeToken;
connect("/feed", { resume: place }).on("resumed", ({ missed, complete }: Resumed) => [missed + 1, !complete]);
// @ts-expect-error: a message has a command.
socket.send({ channel: "general" });
// @ts-expect-error: nobody else changes the queue.
socket.queued = 1;
// @ts-expect-error: nor where it is.
socket.resumeToken = "1,a";
