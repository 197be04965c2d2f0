// The matrix as a person uses it: choices, permalink, rows made only where they are looked at, keyboard, one cell's panel.
"use strict";
(() => {
  const NAMES = ["category", "architecture", "role", "modality", "task", "priority", "standing", "phase", "platform", "check", "status", "evidence"];
  const START = { by: "subject", q: "", base: false, variant: "", since: "", sort: "", cell: "", ...Object.fromEntries(NAMES.map((name) => [name, []])) };
  const BY = ["category", "architecture", "subject", "class"];
  const HEADS = { category: "category", architecture: "model type", subject: "class", class: "class" };
  const SPARE = 12;
  const place = (id) => document.getElementById(id);
  const made = (tag, text = "", kind = "") => {
    const found = document.createElement(tag);
    if (text) found.textContent = text;
    if (kind) found.className = kind;
    return found;
  };

  let cells, data, choice, found = [], columns = [], focus = [0, 0], drawn = [-1, -1], printing = false;

  // ---- the permalink
  const read = () => {
    const given = new URLSearchParams(location.hash.slice(1)), next = { ...START };
    for (const [name, value] of given) {
      if (NAMES.includes(name)) next[name] = value.split(",").filter(Boolean);
      else if (name === "base") next.base = value === "1";
      else if (name in START) next[name] = value;
    }
    if (!BY.includes(next.by)) next.by = START.by;
    return next;
  };
  const written = () => {
    const given = new URLSearchParams();
    for (const [name, value] of Object.entries(choice)) {
      const text = Array.isArray(value) ? value.join(",") : value === true ? "1" : value || "";
      const first = Array.isArray(START[name]) ? "" : START[name] || "";
      if (text !== first) given.set(name, text);
    }
    history.replaceState(null, "", `#${given}`);
  };

  // ---- a cell's words
  const words = (cell) => {
    if (!cell) return { kind: "untried", first: "· not tried", second: "" };
    const [status, symbol] = data.status[cell.status] || ["", ""];
    if (!cell.applicable) return { kind: status || "untried", first: status ? `${symbol} ${status}` : "", second: cell.older ? `${cell.older} older` : "" };
    const [evidence, ground] = data.evidence[cell.evidence];
    const counts = cell.folded ? `${cell.verified}/${cell.applicable} ` : "";
    const apart = cell.folded ? ["unexecuted", "unavailable"].flatMap((name) => {
      const count = cell.counts[data.status.findIndex((item) => item[0] === name)];
      return count && count < cell.applicable ? [`${count} ${name}`] : [];
    }) : [];
    if (cell.older) apart.push(cell.folded ? `+ ${cell.older} older` : "(older)");
    return { kind: status, first: `${counts}${symbol} ${status}`, second: [`${ground} ${evidence}`, ...apart].join(" · ") };
  };
  const filled = (target, cell) => {
    const { kind, first, second } = words(cell);
    target.className = `t-${kind}`;
    target.append(made("span", first, `status s-${kind}`));
    if (second) target.append(made("small", second));
    return `${first.replace(/^[^\w\d]+/, "")}${second ? `, ${second.replace(/[^\w\d ,+()·]/g, "").trim()}` : ""}`;
  };

  // ---- the table
  const height = () => parseFloat(getComputedStyle(document.documentElement).fontSize) * 2.7 || 40;
  const window_ = () => {
    if (printing) return [0, found.length];
    const frame = place("grid"), line = height();
    const first = Math.max(0, Math.floor(frame.scrollTop / line) - SPARE);
    return [first, Math.min(found.length, Math.ceil((frame.scrollTop + frame.clientHeight) / line) + SPARE)];
  };
  const space = (size) => {
    const row = made("tr", "", "space"), cell = made("td");
    cell.colSpan = columns.length + 1;
    cell.style.height = `${size}px`;
    row.setAttribute("aria-hidden", "true");
    row.append(cell);
    return row;
  };
  const drawnRow = (line, at) => {
    const row = made("tr"), head = made("th");
    head.scope = "row";
    row.setAttribute("aria-rowindex", at + 2);
    if (line.type === undefined) head.textContent = line.label;
    else {
      const link = made("a", line.label);
      link.href = `models/${data.lines.page[line.type]}.html`;
      head.append(link);
      if (line.detail) head.append(made("small", line.detail));
    }
    head.title = line.key;
    row.append(head);
    columns.forEach((column, number) => {
      const cell = made("td");
      const text = filled(cell, cells.cell(line, column));
      cell.setAttribute("aria-label", `${line.key}, ${column.title.join(" ")}: ${text}`);
      cell.dataset.at = `${at},${number}`;
      cell.tabIndex = focus[0] === at && focus[1] === number ? 0 : -1;
      row.append(cell);
    });
    return row;
  };
  const rows = (again) => {
    const [first, last] = window_();
    if (!again && first >= drawn[0] && last <= drawn[1] && last - first <= drawn[1] - drawn[0] && Math.abs(first - drawn[0]) < SPARE / 2) return;
    drawn = [first, last];
    const body = place("body"), line = height(), held = body.contains(document.activeElement);
    body.replaceChildren(...(first ? [space(first * line)] : []), ...found.slice(first, last).map((item, at) => drawnRow(item, first + at)), ...(last < found.length ? [space((found.length - last) * line)] : []));
    if (!found.length) {
      const row = made("tr"), cell = made("td", "Nothing has all of this. Fewer choices show more.", "void");
      cell.colSpan = columns.length + 1;
      row.append(cell);
      body.append(row);
    }
    if (held) focused();
  };
  const focused = () => {
    const target = place("body").querySelector(`[data-at="${focus[0]},${focus[1]}"]`);
    if (target) { target.tabIndex = 0; target.focus({ preventScroll: true }); }
  };
  const heads = () => {
    const row = made("tr"), first = made("th");
    const head = (cell, key, title) => {
      const [by, direction] = choice.sort.split(":"), button = made("button", "", "sort");
      button.type = "button";
      title.forEach((part, number) => button.append(...(number ? [made("br"), part] : [part])));
      cell.scope = "col";
      if (by === key) cell.setAttribute("aria-sort", direction === "desc" ? "descending" : "ascending");
      button.addEventListener("click", () => change({ sort: `${key}:${by === key && direction !== "desc" ? "desc" : "asc"}` }));
      cell.append(button);
      row.append(cell);
    };
    head(first, "name", [HEADS[choice.by]]);
    columns.forEach((column) => head(made("th"), column.key, column.title));
    place("head").replaceChildren(row);
    const foot = made("tr"), whole = made("th", found.length === cells.lines(choice.by, choice.base).length ? "all" : "shown");
    whole.scope = "row";
    foot.append(whole, ...columns.map((column) => {
      const { verified, applicable } = cells.total(found, column);
      return made("td", applicable ? `${verified}/${applicable}` : "·");
    }));
    place("foot").replaceChildren(foot);
    place("table").setAttribute("aria-rowcount", found.length + 2);
  };

  // ---- one cell whole
  const panel = (line, column) => {
    const cell = cells.cell(line, column), told = words(cell), item = data.platforms[column.platform], drawer = place("drawer");
    const parts = [made("h2", `${line.key}`), made("p", column.title.join(" · "), "soft")];
    const state = made("p");
    state.append(made("span", told.first, `status s-${told.kind}`), ` ${told.second}`);
    parts.push(state);
    const why = cells.why(line, column);
    if (why) parts.push(made("p", `at ${why.stage}`, "soft small"), Object.assign(made("pre", why.message, "wrap"), { tabIndex: 0 }));
    const facts = made("dl", "", "facts");
    const fact = (name, value) => { if (value) facts.append(made("dt", name), made("dd", String(value))); };
    if (cell && cell.folded) for (const [number, count] of Object.entries(cell.counts)) fact(data.status[number][0], count);
    if (cell && cell.folded) fact("inapplicable", cell.inapplicable);
    if (cell && cell.changed !== undefined) fact("so since", (data.runs[cell.changed] || [])[1]);
    fact("device", item.device);
    fact("transformers", item.transformers);
    fact("fingerprint", item.fingerprint);
    fact("newest result", item.date);
    parts.push(facts);
    if (line.at !== undefined) {
      const check = column.check >= 0 ? ` --check ${data.checks[column.check]}` : "";
      const again = `archsweep run --class ${line.key} --platform ${item.name}${check}`;
      const shown = `archsweep show ${line.key}:${item.name}${check ? `:${data.checks[column.check]}${column.suffix}` : ""}`;
      const known = [["All that is known of it", shown], ...(column.variant ? [] : [["Run it again", again]])];
      for (const [title, text] of cell ? known : [["Try it", again]]) {
        const block = made("div", "", "copied");
        block.append(Object.assign(made("pre", text, "wrap"), { tabIndex: 0 }));
        window.ARCHSWEEP.copied(block);
        parts.push(made("h3", title), block);
      }
    }
    const links = made("p");
    const link = (href, text) => { const one = made("a", text); one.href = href; links.append(one, made("br")); };
    if (line.type !== undefined) link(`models/${data.lines.page[line.type]}.html`, `All about ${data.lines.type[line.type]}`);
    link(`platforms/${item.page}.html`, `All about ${item.name}`);
    parts.push(links);
    place("drawer-body").replaceChildren(...parts);
    drawer.hidden = false;
    drawer.setAttribute("aria-label", `${line.key}, ${column.title.join(" ")}`);
    place("close").focus();
  };
  const closed = () => { place("drawer").hidden = true; choice.cell = ""; written(); focused(); };
  const opened = (at, number) => {
    focus = [at, number];
    choice.cell = `${found[at].key}:${columns[number].key}`;
    written();
    panel(found[at], columns[number]);
  };

  // ---- choices
  const change = (some) => {
    choice = { ...choice, ...some };
    written();
    show();
  };
  const show = () => {
    columns = cells.columns(choice.by, choice);
    found = cells.sorted(cells.chosen(choice.by, choice, columns), columns, choice.sort);
    focus = [0, 0];
    heads();
    place("grid").scrollTop = 0;
    rows(true);
    const all = cells.lines(choice.by, choice.base).length;
    place("told").textContent = `${found.length.toLocaleString("en")} of ${all.toLocaleString("en")} ${HEADS[choice.by] === "category" ? "categories" : HEADS[choice.by] === "class" ? "classes" : "model types"}`;
    controls();
  };
  const controls = () => {
    document.querySelectorAll("[data-by]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.by === choice.by)));
    if (place("q").value !== choice.q) place("q").value = choice.q;
    place("base").checked = choice.base;
    place("since").value = choice.since;
    place("variant").value = choice.variant;
    place("variants").hidden = choice.by !== "class" || data.variants.length < 2;
    document.querySelectorAll("input[data-facet]").forEach((box) => { box.checked = choice[box.dataset.facet].includes(box.value); });
    const count = NAMES.reduce((sum, name) => sum + choice[name].length, 0);
    place("filters").textContent = count ? `Filters (${count})` : "Filters";
  };
  const facets = () => {
    const open = { ...data.facets, platform: data.platforms.map((item) => item.name), check: data.checks, status: [...data.status.map((item) => item[0]), "untried"], evidence: data.evidence.map((item) => item[0]) };
    place("facets").replaceChildren(...NAMES.map((name) => {
      const group = made("fieldset"), options = made("div", "", "options");
      group.append(made("legend", name === "architecture" ? "topology" : name));
      for (const value of open[name]) {
        const label = made("label"), box = made("input");
        Object.assign(box, { type: "checkbox", value });
        box.dataset.facet = name;
        label.append(box, name === "status" && value === "untried" ? "not tried" : value);
        options.append(label);
      }
      options.tabIndex = 0;
      options.setAttribute("role", "group");
      options.setAttribute("aria-label", name);
      group.append(options);
      return group;
    }));
    const option = (value, text) => Object.assign(made("option", text), { value });
    place("since").replaceChildren(option("", "any time"), ...data.runs.slice().reverse().map(([run, started]) => option(run, `${started.slice(0, 16).replace("T", " ")}`)));
    place("variant").replaceChildren(...data.variants.map((item) => option(item, item || "default")));
  };
  const saved = (text, kind, name) => {
    const link = made("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const field = (value) => {
    const text = /^[=+\-@\t\r]/.test(String(value)) && typeof value === "string" ? `'${value}` : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const csv = (items) => items.length ? [Object.keys(items[0]), ...items.map(Object.values)].map((row) => row.map(field).join(",")).join("\n") + "\n" : "";

  // ---- keys
  const moved = (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-15, 0], PageDown: [15, 0], Home: [0, -1e6], End: [0, 1e6] }[event.key];
    if (!step || !found.length) return;
    event.preventDefault();
    if (event.ctrlKey && (event.key === "Home" || event.key === "End")) step[0] = event.key === "Home" ? -1e6 : 1e6;
    const old = place("body").querySelector('[tabindex="0"][data-at]');
    if (old) old.tabIndex = -1;
    focus = [Math.min(found.length - 1, Math.max(0, focus[0] + step[0])), Math.min(columns.length - 1, Math.max(0, focus[1] + step[1]))];
    const frame = place("grid"), line = height(), top = focus[0] * line, edge = place("head").offsetHeight + place("foot").offsetHeight;
    if (top < frame.scrollTop) frame.scrollTop = top;
    if (top + line > frame.scrollTop + frame.clientHeight - edge) frame.scrollTop = top + line + edge - frame.clientHeight;
    rows();
    focused();
    const cell = document.activeElement;
    if (cell && cell.dataset.at) cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  const bound = () => {
    let waiting = 0;
    place("grid").addEventListener("scroll", () => { waiting ||= requestAnimationFrame(() => { waiting = 0; rows(); }); });
    place("body").addEventListener("click", (event) => {
      const cell = event.target.closest("td[data-at]");
      if (cell) opened(...cell.dataset.at.split(",").map(Number));
    });
    place("body").addEventListener("keydown", (event) => {
      if (event.target.closest("td[data-at]") && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        opened(...event.target.closest("td[data-at]").dataset.at.split(",").map(Number));
      } else if (event.target.closest("td[data-at]")) moved(event);
    });
    document.querySelectorAll("[data-by]").forEach((button) => button.addEventListener("click", () => change({ by: button.dataset.by, sort: "" })));
    place("q").addEventListener("input", () => change({ q: place("q").value }));
    place("base").addEventListener("change", () => change({ base: place("base").checked }));
    place("since").addEventListener("change", () => change({ since: place("since").value }));
    place("variant").addEventListener("change", () => change({ variant: place("variant").value }));
    place("facets").addEventListener("change", (event) => {
      const name = event.target.dataset.facet;
      change({ [name]: [...document.querySelectorAll(`input[data-facet="${name}"]:checked`)].map((box) => box.value) });
    });
    place("filters").addEventListener("click", () => {
      place("facets").hidden = !place("facets").hidden;
      place("filters").setAttribute("aria-expanded", String(!place("facets").hidden));
    });
    place("reset").addEventListener("click", () => change({ ...START, by: choice.by }));
    place("csv").addEventListener("click", () => saved(csv(cells.rows(found, columns)), "text/csv", "matrix.csv"));
    place("json").addEventListener("click", () => saved(JSON.stringify(cells.rows(found, columns), null, 1), "application/json", "matrix.json"));
    place("close").addEventListener("click", closed);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !place("drawer").hidden) closed();
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); place("q").focus(); }
    });
    window.addEventListener("hashchange", () => { choice = read(); show(); });
    window.addEventListener("resize", () => rows(true));
    window.addEventListener("beforeprint", () => { printing = true; rows(true); });
    window.addEventListener("afterprint", () => { printing = false; rows(true); });
  };

  // Begins, or takes over newer data without losing the place.
  const take = (newer) => {
    const first = !data, scrolled = first ? 0 : place("grid").scrollTop, held = focus;
    data = newer;
    cells = new window.ARCHSWEEP.Cells(data);
    if (first) { choice = read(); bound(); }
    facets();
    show();
    if (!first) { place("grid").scrollTop = scrolled; focus = held; rows(true); return; }
    if (choice.cell) {
      const number = columns.findIndex((column) => choice.cell.endsWith(`:${column.key}`));
      const at = number < 0 ? -1 : found.findIndex((line) => `${line.key}:${columns[number].key}` === choice.cell);
      if (at >= 0) { place("grid").scrollTop = Math.max(0, (at - 3) * height()); focus = [at, number]; rows(true); panel(found[at], columns[number]); }
    }
    document.documentElement.dataset.ready = "1";
  };
  window.ARCHSWEEP.takeMatrix = take;
  take(window.ARCHSWEEP.matrix);
})();
