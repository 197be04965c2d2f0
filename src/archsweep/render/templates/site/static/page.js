// What every page has: the choice of light or dark, tables that sort, and commands that can be copied.
"use strict";
(() => {
  const root = document.documentElement;
  const remembered = () => { try { return localStorage.getItem("archsweep-theme"); } catch { return null; } };
  const remember = (value) => { try { localStorage.setItem("archsweep-theme", value); } catch { /* a browser that keeps nothing */ } };
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  if (remembered()) root.dataset.theme = remembered();

  const value = (row, column) => {
    const cell = row.cells[column];
    const text = cell ? (cell.dataset.value ?? cell.textContent.trim()) : "";
    const number = Number(text);
    return text !== "" && Number.isFinite(number) ? number : text;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });

  function sortable(table) {
    table.querySelectorAll("thead th[data-sort]").forEach((head) => {
      if (head.querySelector("button")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== (head.dataset.sort === "down" ? "descending" : "ascending");
        const sign = (head.dataset.sort === "down") === up ? -1 : 1;
        table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
        const body = table.tBodies[0], column = head.cellIndex;
        const rows = [...body.rows].map((row) => [value(row, column), row]);
        rows.sort((a, b) => sign * compare(a[0], b[0]));
        body.append(...rows.map((pair) => pair[1]));
      });
    });
  }

  function narrowed(input) {
    const table = document.getElementById(input.getAttribute("aria-controls"));
    const told = document.getElementById(`${table.id}-count`);
    const apply = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      if (told) told.textContent = `${shown} of ${table.tBodies[0].rows.length}`;
    };
    input.addEventListener("input", apply);
    apply();
  }

  function copied(block) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      const text = block.querySelector("pre").textContent;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(block.querySelector("pre"));
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.append(button);
  }

  const equip = (place) => {
    place.querySelectorAll("table[data-sortable]").forEach(sortable);
    place.querySelectorAll("input[data-narrows]").forEach(narrowed);
    place.querySelectorAll(".copied").forEach((block) => block.querySelector("button.copy") || copied(block));
  };
  const began = () => {
    const theme = document.getElementById("theme");
    const say = () => { theme.textContent = dark() ? "Light" : "Dark"; };
    theme.hidden = false;
    theme.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      remember(root.dataset.theme);
      say();
    });
    say();
    equip(document);
  };
  window.ARCHSWEEP = Object.assign(window.ARCHSWEEP || {}, { equip, copied });
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", began) : began();
})();
