// The list of answers: reads the page's data in small pieces, filters and shows it. Texts only ever become text nodes.
"use strict";
(() => {
  const SLICE = 12; // milliseconds of work before the browser may do something else
  const PAGE = 10; // prompts shown at once
  const $ = (id) => document.getElementById(id);
  const setup = JSON.parse($("answers-setup").textContent);
  const words = setup.words;
  const fields = Object.fromEntries(
    [...document.querySelectorAll("[data-filter]")].map((field) => [field.dataset.filter, field]),
  );
  const number = new Intl.NumberFormat(setup.language, { useGrouping: "always" });
  const items = [];
  let matches = [];
  let shown = 0;
  let round = 0; // the latest filtering; an older one stops
  let loaded = false;

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
  const fold = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
  const rest = () => new Promise((resume) => setTimeout(resume));

  function make(tag, css, text) {
    const node = document.createElement(tag);
    if (css) node.className = css;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function free(text, css) {
    const node = make("p", css, text);
    node.dir = "auto";
    return node;
  }

  const outcome = (answer) => setup.outcomes[(answer && answer.o) || ""];

  // what a model said, or what happened instead
  function said(answer, arm) {
    const box = make("div");
    const what = outcome(answer);
    const who = fill(words.said_outcome, { arm: setup.arms[arm], outcome: what.word });
    box.append(make("p", `who ${what.name}`, answer && answer.f ? `${who}, ${words.said_length}` : who));
    if (!answer) box.append(make("p", "said soft", words.said_missing));
    else if (answer.h) box.append(make("p", "said soft", words.said_withheld));
    else if (answer.e) box.append(free(fill(words.said_failed, { error: answer.e }), "said soft"));
    else if (answer.t) box.append(free(answer.t, "said"));
    else box.append(make("p", "said soft", words.said_empty));
    if (answer && answer.x) box.append(make("p", "note", fill(words.said_cut, { count: number.format(answer.x) })));
    if (answer && answer.y) box.append(free(fill(words.said_reason, { reason: answer.y }), "tags"));
    if (answer && answer.s) box.append(tries(answer.s));
    return box;
  }

  // every variant a defence asked, with what came back
  function tries(list) {
    return folded(fill(words.list_tries, { count: number.format(list.length) }), () => {
      const all = make("ol", "tries");
      for (const one of list) {
        const line = make("li");
        const head = [fill(words.try_number, { number: one.n || 0 })];
        if (one.c !== undefined) head.push(fill(words.try_score, { score: new Intl.NumberFormat(setup.language).format(one.c) }));
        if (one.k) head.push(words.try_kept);
        line.append(make("p", one.k ? "strong" : "soft", head.join(", ")));
        if (one.r) line.append(free(fill(words.try_rejected, { rejected: one.r }), "soft"));
        if (one.w) line.append(make("p", "soft", fill(words.try_writing, { calls: number.format(one.w), tokens: number.format(one.v || 0) })));
        line.append(make("p", "soft", words.try_asked), free(one.q || "", "said"));
        line.append(make("p", "soft", words.try_heard));
        line.append(one.e ? free(fill(words.said_failed, { error: one.e }), "said soft") : free(one.t || "", "said"));
        all.append(line);
      }
      return all;
    });
  }

  // a fold whose content is made when it is opened
  function folded(title, content) {
    const fold_ = make("details");
    fold_.append(make("summary", "small", title));
    fold_.addEventListener("toggle", () => fold_.childElementCount > 1 || fold_.append(content()), { once: true });
    return fold_;
  }

  function entry(item, arm) {
    const line = make("li");
    line.append(free(item.p, "prompt"));
    const way = item.m && item.m[arm];
    const tags = [setup.kinds[item.k] || item.k, item.c, item.l, item.i].filter(Boolean);
    if (apart(item, arm)) tags.push(words.tag_differ);
    const note = free(tags.join(", "), "tags");
    if (way) note.prepend(make("strong", `way ${way > 0 ? "refused" : "answered"}`, way > 0 ? words.moved_gained : words.moved_lost), " ");
    line.append(note);
    const alone = arm === setup.baseline;
    const pair = () => {
      const both = make("div", alone ? "alone" : "pair");
      if (!alone) both.append(said(item.a[setup.baseline], setup.baseline));
      both.append(said(item.a[arm], arm));
      return both;
    };
    line.append(item.k === setup.folded ? folded(alone ? words.show_answer : words.show_answers, pair) : pair());
    return line;
  }

  const apart = (item, arm) => [arm, setup.baseline].some((place) => item.a[place] && item.a[place].d);

  function wanted() {
    const value = (name) => (fields[name] ? fields[name].value : "");
    return { arm: Number(value("arm")), moved: value("moved"), kind: value("kind"), category: value("category"),
      language: value("language"), outcome: value("outcome"), judges: value("judges"), search: fold(value("search").trim()) };
  }

  function fits(item, want) {
    const way = want.arm === setup.baseline ? 1 : item.m && item.m[want.arm];
    const moved = !want.moved || want.arm === setup.baseline || (want.moved === "any" ? way : want.moved === "gained" ? way > 0 : way < 0);
    return moved
      && (!want.kind || item.k === want.kind)
      && (!want.category || item.c === want.category)
      && (!want.language || item.l === want.language)
      && (!want.outcome || outcome(item.a[want.arm]).name === want.outcome)
      && (!want.judges || apart(item, want.arm) === (want.judges === "differ"))
      && (!want.search || item.found.includes(want.search));
  }

  async function filter() {
    const mine = ++round;
    const want = wanted();
    const found = [];
    let start = performance.now();
    for (const item of items) {
      if (fits(item, want)) found.push(item);
      if (performance.now() - start > SLICE) {
        await rest();
        if (mine !== round) return;
        start = performance.now();
      }
    }
    matches = found;
    shown = 0;
    $("answers-list").replaceChildren();
    more();
  }

  function more() {
    const arm = Number(fields.arm.value);
    const next = matches.slice(shown, shown + PAGE).map((item) => entry(item, arm));
    const list = $("answers-list");
    list.append(...next);
    if (shown && next.length) {
      next[0].tabIndex = -1;
      next[0].focus({ preventScroll: true });
    }
    shown += next.length;
    $("answers-more").hidden = shown >= matches.length;
    $("answers-count").textContent = !loaded ? words.list_busy
      : !matches.length ? words.list_none
      : matches.length === 1 ? words.list_one
      : fill(words.list_count, { shown: number.format(shown), count: number.format(matches.length) });
  }

  function set(name, value) {
    if (fields[name]) fields[name].value = value;
  }

  function clear() {
    for (const [name, field] of Object.entries(fields)) if (name !== "arm") field.value = "";
    filter();
  }

  async function load() {
    let start = performance.now();
    for (const piece of document.querySelectorAll("script.answers-piece")) {
      for (const item of JSON.parse(piece.textContent)) {
        item.found = fold([item.p, item.i, item.c, ...item.a.map((answer) => (answer && answer.t) || "")].join("\n"));
        items.push(item);
        if (performance.now() - start > SLICE) {
          await rest();
          start = performance.now();
        }
      }
      piece.remove();
    }
    loaded = true;
    if (fields.moved && !items.some((item) => fits(item, wanted()))) set("moved", "");
    await filter();
    $("answers").dataset.ready = "yes";
  }

  let typing = 0;
  for (const [name, field] of Object.entries(fields)) {
    field.addEventListener(name === "search" ? "input" : "change", () => {
      clearTimeout(typing);
      typing = setTimeout(filter, name === "search" ? 120 : 0);
    });
  }
  $("answers-clear").addEventListener("click", clear);
  $("answers-more").addEventListener("click", more);
  for (const button of document.querySelectorAll("[data-outcome]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const name of Object.keys(fields)) if (name !== "arm") set(name, "");
      set("outcome", button.dataset.outcome);
      filter();
      $("answers-head").scrollIntoView();
      fields.outcome.focus({ preventScroll: true });
    });
  }
  $("answers").hidden = false;
  load();
})();
