// Two runs beside one another. Each run's endings are a script of their own, loaded when it is chosen.
"use strict";
(() => {
  const place = (id) => document.getElementById(id), MOST = 2000;
  const KINDS = ["lost", "gained", "moved", "untried", "new", "gone"];
  const WORDS = { lost: "passed, and ends badly now", gained: "passes now", moved: "ends badly, otherwise than before", untried: "not tried now", new: "was not there", gone: "is not there any more" };
  const UNTRIED = new Set(["unavailable", "unexecuted", "inapplicable"]);
  const endings = {};
  let list, kind = "";
  const made = (tag, text = "", name = "") => { const one = document.createElement(tag); one.textContent = text; if (name) one.className = name; return one; };
  const load = (run) => new Promise((done, failed) => {
    if (endings[run.run]) return done(endings[run.run]);
    const script = document.createElement("script");
    script.src = `data/runs/${run.page}.js`;
    script.onload = () => done((endings[run.run] = window.ARCHSWEEP.endings[run.page]));
    script.onerror = () => failed(new Error(`the endings of ${run.run} are not there`));
    document.head.append(script);
  });
  const alike = ([status, stage, error]) => (status === "pass" || UNTRIED.has(status) ? status : `${status} ${stage} ${error}`);
  const judged = (before, after) => {
    if (!after) return "gone";
    if (!before) return "new";
    if (alike(before) === alike(after)) return "";
    if (after[0] === "pass") return "gained";
    if (UNTRIED.has(after[0])) return "untried";
    return before[0] === "pass" ? "lost" : "moved";
  };
  const show = async () => {
    const [before, after] = ["before", "after"].map((id) => list.find((run) => run.run === place(id).value));
    const words = place("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    const given = new URLSearchParams({ before: before.run, after: after.run, ...(kind && { kind }), ...(words.length && { q: place("q").value }) });
    history.replaceState(null, "", `#${given}`);
    let old, now;
    try { [old, now] = await Promise.all([load(before), load(after)]); } catch (error) { place("caption").textContent = error.message; return; }
    const changes = [];
    for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
      const what = judged(old[name], now[name]);
      if (what) changes.push([what, name, old[name], now[name]]);
    }
    changes.sort((a, b) => KINDS.indexOf(a[0]) - KINDS.indexOf(b[0]) || (a[1] < b[1] ? -1 : 1));
    place("kinds").replaceChildren(...KINDS.map((name) => {
      const card = made("li"), button = made("button", name), count = changes.filter((item) => item[0] === name).length;
      button.type = "button";
      button.setAttribute("aria-pressed", String(kind === name));
      button.addEventListener("click", () => { kind = kind === name ? "" : name; show(); });
      card.append(button, made("span", String(count), "figure"), made("span", WORDS[name], "ground"));
      return card;
    }));
    const shown = changes.filter((item) => (!kind || item[0] === kind) && words.every((word) => item[1].toLowerCase().includes(word)));
    const ending = (found) => (found ? `${window.ARCHSWEEP.symbols[found[0]] || ""} ${found[0]}${found[0] === "pass" || !found[1] ? "" : ` at ${found[1]}`}${found[2] ? `: ${found[2]}` : ""}` : "–");
    place("changes").tBodies[0].replaceChildren(...shown.slice(0, MOST).map(([what, name, first, second]) => {
      const row = made("tr"), head = made("th", name, "break");
      head.scope = "row";
      row.append(made("td", what), head, made("td", ending(first), first ? `s-${first[0]}` : ""), made("td", ending(second), second ? `s-${second[0]}` : ""));
      return row;
    }));
    place("caption").textContent = shown.length > MOST ? `The first ${MOST} of ${shown.length}` : shown.length ? `${before.run} and ${after.run}` : "Nothing changed between these two.";
    place("told").textContent = `${shown.length} of ${changes.length} changes`;
    document.documentElement.dataset.ready = "1";
  };
  document.addEventListener("DOMContentLoaded", () => {
    list = window.ARCHSWEEP.runs;
    if (!place("before")) return;
    const given = new URLSearchParams(location.hash.slice(1));
    for (const id of ["before", "after"]) {
      place(id).replaceChildren(...list.map((run) => Object.assign(made("option", `${run.started} · ${run.what} · ${run.run}`), { value: run.run })));
      place(id).addEventListener("change", show);
    }
    const known = (name) => list.some((run) => run.run === name);
    place("after").value = known(given.get("after")) ? given.get("after") : list[0].run;
    place("before").value = known(given.get("before")) ? given.get("before") : list[1].run;
    kind = KINDS.includes(given.get("kind")) ? given.get("kind") : "";
    place("q").value = given.get("q") || "";
    place("q").addEventListener("input", show);
    show();
  });
})();
