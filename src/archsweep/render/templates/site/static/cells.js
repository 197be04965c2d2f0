// The matrix's data: what stands in a cell, which lines a choice leaves, and their order. Touches no page.
// A line is a class, a model type or a category; its cells are read from strings with one letter a line. Filters choose
// lines and columns and never change a number: folding was done where the data was made.
"use strict";
(() => {
  const UNTRIED = ".";
  const letter = (text, at) => text.charCodeAt(at) - 97;

  class Cells {
    constructor(data) {
      this.data = data;
      this.pass = data.status.findIndex(([name]) => name === "pass");
      this.inapplicable = data.status.findIndex(([name]) => name === "inapplicable");
      const { lines } = data;
      this.names = lines.of.map((type, at) => `${lines.type[type]}/${lines.name[at]}`);
      this.texts = this.names.map((name, at) => `${name} ${data.facets.category[lines.category[at]]}`.toLowerCase());
      this.folded = {};
    }

    // The lines and columns of a depth: {key, label, detail, type, members} and {key, title, platform, ...}.
    lines(by, base) {
      const key = `${by}${base}`;
      return (this.folded[key] ??= by === "subject" || by === "class" ? this.classes(base) : this.groups(by, base));
    }

    classes(base) {
      const { lines } = this.data;
      return this.names.flatMap((name, at) =>
        base && lines.base[at] !== "1" ? [] : [{ key: name, label: lines.name[at], detail: lines.type[lines.of[at]], type: lines.of[at], members: [at], at }]);
    }

    groups(by, base) {
      const { lines, facets } = this.data, found = new Map();
      this.names.forEach((name, at) => {
        if (base && lines.base[at] !== "1") return;
        const category = facets.category[lines.category[at]], type = lines.type[lines.of[at]];
        const key = by === "category" ? category : `${category}/${type}`;
        if (!found.has(key)) found.set(key, by === "category" ? { key, label: category, detail: "", members: [] } : { key, label: type, detail: category, type: lines.of[at], members: [] });
        found.get(key).members.push(at);
      });
      const cells = new Map();
      for (const [label, place, ...rest] of this.data.folded[base ? "base" : "all"][by]) cells.set(`${label} ${place}`, rest);
      for (const line of found.values()) line.cells = cells;
      return [...found.values()];
    }

    columns(by, choice) {
      const { columns, platforms } = this.data;
      const wanted = (name) => !choice.platform.length || choice.platform.includes(name);
      if (by === "category" || by === "architecture") return platforms.flatMap((item, at) => (wanted(item.name) ? [{ key: item.name, platform: at, title: [item.name] }] : []));
      const variant = by === "class" ? choice.variant : "";
      const found = columns.filter((item) => wanted(platforms[item.platform].name) && (by === "subject" ? item.check < 0 : item.check >= 0 && item.variant === variant));
      const checks = this.data.checks;
      return found.filter((item) => by === "subject" || !choice.check.length || choice.check.includes(checks[item.check]))
        .map((item) => ({ ...item, key: item.check < 0 ? platforms[item.platform].name : `${platforms[item.platform].name} ${checks[item.check]}`, title: item.check < 0 ? [platforms[item.platform].name] : [platforms[item.platform].name, checks[item.check]] }));
    }

    // {status, evidence} as numbers; of a group verified, applicable and more, too; null where nothing was tried.
    cell(line, column) {
      if (line.cells) {
        const found = line.cells.get(`${line.key} ${column.platform}`);
        if (!found) return null;
        const [verified, applicable, status, evidence, counts, inapplicable, older] = found;
        return { status, evidence, verified, applicable, counts, inapplicable, older, folded: true };
      }
      if (column.s[line.at] === UNTRIED) return null;
      const status = letter(column.s, line.at);
      const applicable = status === this.inapplicable ? 0 : 1;
      const older = column.older && column.older.includes(line.at) ? 1 : 0;
      return { status, evidence: letter(column.e, line.at), verified: status === this.pass ? 1 : 0, applicable, older, changed: column.c ? column.c[line.at] : 0 };
    }

    // What is chosen of lines: only those that have a member (or a cell) with each thing that was asked for.
    chosen(by, choice, columns) {
      const words = choice.q.toLowerCase().split(/\s+/).filter(Boolean), sets = this.sets(choice);
      const member = (at) => words.every((word) => this.texts[at].includes(word)) && sets.every((has) => has(at));
      const plain = !words.length && !sets.length;
      const status = choice.status.map((name) => this.data.status.findIndex((item) => item[0] === name));
      const evidence = choice.evidence.map((name) => this.data.evidence.findIndex((item) => item[0] === name));
      const untried = choice.status.includes("untried");
      const since = choice.since ? this.data.runs.findIndex((run) => run[0] === choice.since) : -1;
      const asked = status.length || evidence.length || since >= 0;
      return this.lines(by, choice.base).filter((line) => {
        if (!plain && !line.members.some(member)) return false;
        return !asked || columns.some((column) => this.has(line, column, status, evidence, untried, since));
      });
    }

    has(line, column, status, evidence, untried, since) {
      const cell = this.cell(line, column);
      if (cell === null) return untried && !evidence.length && since < 0;
      const at = (number) => cell.status === number || (cell.counts && cell.counts[number] > 0);
      if (status.length && !status.some((number) => number >= 0 && at(number))) return false;
      if (evidence.length && !(evidence.includes(cell.evidence) && cell.applicable)) return false;
      return since < 0 || this.changed(line, column, since);
    }

    changed(line, column, since) {
      const own = line.cells ? this.data.columns.filter((item) => item.platform === column.platform && item.check < 0) : [column];
      return own.some((item) => line.members.some((at) => item.s[at] !== UNTRIED && (item.c ? item.c[at] : 0) >= since));
    }

    sets(choice) {
      const { lines, facets } = this.data;
      return Object.keys(facets).filter((name) => (choice[name] || []).length).map((name) => {
        const wanted = new Set(choice[name].map((value) => facets[name].indexOf(value)));
        return (at) => [lines[name][at]].flat().some((value) => wanted.has(value));
      });
    }

    sorted(found, columns, sort) {
      if (!sort) return found;
      const [key, direction] = sort.split(":"), sign = direction === "desc" ? -1 : 1;
      if (key === "name") return [...found].sort((a, b) => sign * (a.label < b.label ? -1 : a.label > b.label ? 1 : a.key < b.key ? -1 : 1));
      const column = columns.find((item) => item.key === key);
      if (!column) return found;
      const rank = (line) => {
        const cell = this.cell(line, column);
        if (!cell) return 1e6;
        return cell.folded ? (cell.applicable ? cell.verified / cell.applicable : 1e5) : cell.status;
      };
      return found.map((line) => [rank(line), line]).sort((a, b) => sign * (a[0] - b[0])).map((pair) => pair[1]);
    }

    total(found, column) {
      let verified = 0, applicable = 0;
      for (const line of found) {
        const cell = this.cell(line, column);
        if (cell) { verified += cell.verified; applicable += cell.applicable; }
      }
      return { verified, applicable };
    }

    why(line, column) {
      const found = column.why && line.at !== undefined ? column.why[line.at] : undefined;
      return found ? { message: this.data.messages[found[0]], stage: this.data.stages[found[1]] } : null;
    }

    // Plain rows for a file: what is shown, cell by cell.
    rows(found, columns) {
      const { status, evidence, platforms } = this.data;
      return found.flatMap((line) => columns.flatMap((column) => {
        const cell = this.cell(line, column), why = this.why(line, column);
        return [{
          line: line.key, platform: platforms[column.platform].name, check: column.check >= 0 ? this.data.checks[column.check] : "", variant: column.variant || "",
          status: cell ? status[cell.status][0] : "not tried", evidence: cell && cell.applicable ? evidence[cell.evidence][0] : "",
          verified: cell ? cell.verified : 0, applicable: cell ? cell.applicable : 0, message: why ? why.message : "",
        }];
      }));
    }
  }
  window.ARCHSWEEP = Object.assign(window.ARCHSWEEP || {}, { Cells });
})();
