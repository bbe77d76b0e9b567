// A site of somebody else: an origin that is not the server's, with pages that their own people built.

import { createServer } from "node:http";

/** Serves `pages`, a map from path to [media type, text], until it is closed. */
export class Site {
  static async serve(pages) {
    const site = new Site();
    site.server = createServer((request, response) => {
      const page = pages[new URL(request.url, "http://site").pathname];
      response.writeHead(page ? 200 : 404, { "content-type": page?.[0] ?? "text/plain" });
      response.end(page?.[1] ?? "");
    });
    await new Promise((resolve) => site.server.listen(0, "127.0.0.1", resolve));
    // By name, where the server is asked by number: another site, and not only another port of the same one.
    site.origin = `http://localhost:${site.server.address().port}`;
    return site;
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
