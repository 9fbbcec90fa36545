// Opens pages in Chromium and says what it saw. Tasks come as JSON on the standard input, one browser serves them all:
// [{page, width, theme, axe, open, filter, all}] -> [{violations, tasks, requests, ran, errors, wide, ...}]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const { chromium, tasks } = JSON.parse(readFileSync(0, "utf8"));
const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
const results = [];
for (const task of tasks) results.push(await look(task));
await browser.close();
process.stdout.write(JSON.stringify(results));

async function look(task) {
  const page = await browser.newPage();
  const seen = { requests: [], errors: [], dialogs: 0 };
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("dialog", (dialog) => { seen.dialogs += 1; dialog.dismiss(); });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: task.theme || "light" }]);
  await page.setViewport({ width: task.width || 1280, height: 900 });
  await page.setBypassCSP(Boolean(task.axe)); // axe is put in from outside; every other task runs under the page's policy
  await page.evaluateOnNewDocument(() => {
    window.slow = [];
    new PerformanceObserver((list) => window.slow.push(...list.getEntries().map((e) => Math.round(e.duration)))).observe({ type: "longtask", buffered: true });
  });
  if (task.filter) await page.tracing.start({ categories: ["devtools.timeline", "disabled-by-default-devtools.timeline"] });
  await page.goto(`file://${task.page}`);
  await page.waitForFunction(() => document.getElementById("answers")?.dataset.ready, { timeout: 60_000 });
  await settle(page);
  seen.loading = await page.evaluate(() => window.slow.splice(0));
  if (task.filter) {
    seen.filters = await filters(page, task.filter);
    seen.busiest = busiest(await page.tracing.stop());
  }
  if (task.all) await showAll(page);
  if (task.open) await openAll(page);
  seen.slow = await page.evaluate(() => window.slow);
  seen.wide = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  seen.outside = await page.evaluate(outside);
  seen.ran = await page.evaluate(() => window.ran || 0);
  seen.foreign = await page.evaluate(() => [...document.querySelectorAll("img, iframe, object, embed, base, link, form, a[href^='javascript'], [onerror], [onload], [onfocus]")].map((e) => e.outerHTML.slice(0, 100)));
  seen.listed = await page.evaluate(() => document.querySelectorAll("#answers-list > li").length);
  seen.texts = task.texts ? await page.evaluate(() => [...document.querySelectorAll("#answers-list .said")].map((e) => e.textContent)) : [];
  seen.address = page.url();
  if (task.axe) seen.violations = await violations(page);
  await page.close();
  return seen;
}

// the most processor time that one task of a page's main thread took, in milliseconds: what a machine with other work
// to do does not change, unlike the time on the clock
function busiest(trace) {
  const events = JSON.parse(new TextDecoder().decode(trace)).traceEvents;
  const mains = new Set(events.filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain").map((e) => `${e.pid} ${e.tid}`));
  const tasks = events.filter((e) => e.name === "RunTask" && mains.has(`${e.pid} ${e.tid}`) && e.tdur !== undefined);
  return { tasks: tasks.length, longest: Math.max(0, ...tasks.map((e) => e.tdur / 1000)) };
}

// a frame has been drawn and the browser has nothing more to do
function settle(page) {
  return page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 150))));
}

// sets filters one after another; after each: how many are found, and the tasks that were long
async function filters(page, steps) {
  const found = [];
  for (const [name, value] of steps) {
    await page.evaluate((name, value) => {
      const field = document.querySelector(`[data-filter="${name}"]`);
      field.value = value;
      field.dispatchEvent(new Event(name === "search" ? "input" : "change"));
    }, name, value);
    await new Promise((done) => setTimeout(done, 300));
    await settle(page);
    found.push(await page.evaluate(() => [document.getElementById("answers-count").textContent, window.slow.splice(0)]));
  }
  return found;
}

async function showAll(page) {
  await page.evaluate(() => document.getElementById("answers-clear").click());
  await settle(page);
  for (let i = 0; i < 200; i += 1) {
    const more = await page.evaluate(() => {
      const button = document.getElementById("answers-more");
      if (!button.hidden) button.click();
      return !button.hidden;
    });
    if (!more) break;
  }
  await settle(page);
}

async function openAll(page) {
  for (let i = 0; i < 3; i += 1) { // folds in folds
    await page.evaluate(() => document.querySelectorAll("details:not([open])").forEach((fold) => { fold.open = true; }));
    await settle(page);
  }
}

// elements that reach past the right edge though nothing round them scrolls
function outside() {
  const edge = document.documentElement.clientWidth + 1;
  const scrolls = (node) => node && (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
  return [...document.body.querySelectorAll("*")]
    .filter((node) => node.getBoundingClientRect().right > edge && !scrolls(node.parentElement))
    .map((node) => `${node.tagName}.${node.className}`).slice(0, 5);
}

async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join(" | ")} (${one.nodes.length})`);
}
