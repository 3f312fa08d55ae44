/** Sends a large file while the caller breaks connections: arguments are the WebSocket's address through a line that
 * is cut, the direct one, and the size. Prints "sent BYTES" for each part, then whether the bytes are the same. */
import { createHash, randomBytes } from "node:crypto";
import { Parley } from "../../../services/web/parley.js";
import { WebSocket } from "../support/websocket.mjs";

const [rough, direct, size] = process.argv.slice(2);
const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");
const bytes = randomBytes(Number(size));
const unique = randomBytes(4).toString("hex");

const [anna, ben] = [new Parley({ url: rough, WebSocket }), new Parley({ url: direct, WebSocket })];
await anna.signIn({ user: `anna-${unique}` });
await ben.signIn({ user: `ben-${unique}` });
let breaks = 0;
anna.addEventListener("state", ({ detail }) => detail.name === "waiting" && breaks++);
anna.addEventListener("progress", ({ detail }) => console.log(`sent ${detail.sent}`));
const arrived = new Promise((resolve) => ben.addEventListener("entry", ({ detail }) => detail.file && resolve(detail)));
anna.send({ user: ben.user }, { file: { bytes: new Blob([bytes]), name: "large.bin" } });
const entry = await arrived;
const got = Buffer.from(await (await ben.download(entry)).arrayBuffer());
console.log(`${digest(got) === digest(bytes) ? "the same" : "other"} bytes after ${breaks} breaks`);
anna.close();
ben.close();
