/** A server's HTTP for files: `answer(server)` makes a fake server announce uploads, `fetch` takes their bytes. */

export class FakeUploads {
  /** Ids of the announced files. */
  ids = [];
  /** Requests over HTTP so far: {method, url, signal}. */
  requests = [];
  /** What downloads are answered: a list of statuses for each path. */
  files = new Map();
  /** A status that uploads are answered with; 0: as usual. */
  status = 0;
  /** A refusal of uploads: {error, status}. */
  fault = null;
  /** Connections break where so many bytes have arrived. */
  breaks = [];
  /** So many bytes of a picture are left out at its end, and nobody hears of it. */
  cuts = 0;
  /** Nobody can connect. */
  fails = false;
  /** Requests wait until `release()`. */
  hold = false;
  #bytes = new Map();
  #waiting = [];

  answer(server) {
    server.on(323, ({ ref }) => {
      const file = `${this.ids.length + 1}`.padStart(16, "0");
      this.ids.push(file);
      this.#bytes.set(`/upload/${file}`, { blob: new Blob([]), size: server.got(323)[this.ids.length - 1].msgBody.size });
      return [{ msgType: 324, ref, file, url: `/upload/${file}` }, server.ok({ ref })];
    });
  }

  text(id) {
    return this.#bytes.get(`/upload/${id}`).blob.text();
  }

  /** Ids of the uploads that were removed. */
  removed() {
    return this.requests.filter(({ method }) => method === "DELETE").map(({ url }) => url.slice("/upload/".length));
  }

  release() {
    this.hold = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  releaseLast() {
    this.#waiting.pop()();
  }

  fetch = async (address, { method = "GET", headers = {}, body, signal } = {}) => {
    const { pathname } = new URL(address);
    this.requests.push({ method, url: pathname, signal });
    if (this.fails) throw new TypeError("fetch failed");
    if (method === "GET") {
      const status = this.files.get(pathname).shift();
      return new Response(status === 200 ? "bytes" : null, { status });
    }
    if (this.hold && method !== "DELETE")
      await new Promise((resolve, reject) => {
        this.#waiting.push(resolve);
        signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      });
    const upload = this.#bytes.get(pathname);
    if (this.status) return new Response(null, { status: this.status });
    if (this.fault) return new Response(JSON.stringify({ error: this.fault.error, text: "" }), { status: this.fault.status });
    if (!upload) return new Response(null, { status: 404 });
    if (method === "DELETE") {
      this.#bytes.delete(pathname);
      return new Response(null, { status: 204 });
    }
    const told = () => ({ headers: { "Upload-Offset": String(upload.blob.size) } });
    if (method === "HEAD") {
      const { headers: more } = told();
      return new Response(null, { status: 200, headers: { ...more, "Upload-Length": String(upload.size - this.cuts) } });
    }
    if (Number(headers["Upload-Offset"]) !== upload.blob.size) return new Response(null, { status: 409, ...told() });
    const whole = new Blob([upload.blob, body]);
    if (whole.size >= this.breaks[0]) {
      upload.blob = whole.slice(0, this.breaks.shift());
      throw new TypeError("fetch failed");
    }
    upload.blob = this.cuts ? whole.slice(this.cuts) : whole;
    if (this.cuts) throw new TypeError("fetch failed");
    return new Response(null, { status: 204, ...told() });
  };
}
