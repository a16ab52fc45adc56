// What a page says and looks like in headless Chromium.
//
//   node look.mjs CHROMIUM PAGE [FOLDER]        (PAGE: a file, or an address of this machine)
//
// Prints JSON: one entry for each width (1400, 400) and scheme (light, dark) with its console
// messages, requests that left the machine, whether it scrolls sideways, words that are broken
// within, and axe-core's findings. With FOLDER a picture of each is written there. Run beside
// node_modules with axe-core and puppeteer-core.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [chromium, place, folder] = process.argv.slice(2);
const address = /^http:/.test(place) ? place : pathToFileURL(place).href;
const require = createRequire(pathToFileURL(process.cwd() + "/"));
const puppeteer = (await import(pathToFileURL(require.resolve("puppeteer-core")).href)).default;
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// Words of the text that stand on two lines though no space, hyphen or slash is in them.
function broken() {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const shown = node.parentElement.checkVisibility?.() ?? true;
    if (!shown || node.parentElement.closest("script, style, svg, pre, [role=dialog], h1 code, h2 code, h3 code")) continue;
    for (const match of node.data.matchAll(/[\p{L}\p{N}]+/gu)) {
      const range = document.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      if (new Set([...range.getClientRects()].map((r) => Math.round(r.top))).size > 1) found.push(match[0]);
    }
  }
  return found;
}

const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });
const seen = [];
for (const width of [1400, 400]) {
  for (const scheme of ["light", "dark"]) {
    const context = await browser.createBrowserContext(); // nothing kept of the look before
    const page = await context.newPage();
    const messages = [], requests = [];
    page.on("console", (message) => messages.push(message.text()));
    page.on("pageerror", (error) => messages.push(String(error)));
    page.on("request", (request) => {
      const url = request.url();
      if (!/^(file|data|blob|about):/.test(url) && !url.startsWith(new URL(address).origin))
        requests.push(url);
    });
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.goto(address, { waitUntil: "load" });
    const words = await page.evaluate(broken);
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
    await page.evaluate(axe);
    const { violations } = await page.evaluate("axe.run(document)");
    const findings = violations.map((v) => ({
      id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map((n) => n.html.slice(0, 160)),
      why: v.nodes[0].failureSummary,
    }));
    if (folder) {
      await page.screenshot({ path: `${folder}/${width}-${scheme}.png`, fullPage: true });
    }
    seen.push({ width, scheme, messages, requests, words, sideways, findings });
    await context.close();
  }
}
await browser.close();
console.log(JSON.stringify(seen));
