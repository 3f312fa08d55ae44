/** Debian's node-ws: Node has no WebSocket of its own before 22. */
import { createRequire } from "node:module";

const { WebSocket, WebSocketServer } = createRequire(import.meta.url)("/usr/share/nodejs/ws");
export { WebSocket, WebSocketServer };
