// A page that is served while a sweep goes on: says how far it is, and takes newer content without losing the place.
"use strict";
(() => {
  const root = document.querySelector("a.brand").getAttribute("href").replace("index.html", "");
  const EVERY_MS = 2000;
  let version = document.documentElement.dataset.version;
  const renew = async () => {
    if (document.getElementById("grid")) {
      const script = document.createElement("script");
      script.src = `${root}data/matrix.js?version=${version}`;
      script.onload = () => { window.ARCHSWEEP.takeMatrix(window.ARCHSWEEP.matrix); script.remove(); };
      document.head.append(script);
      return;
    }
    if (document.getElementById("kinds")) return; // what is compared there was chosen by hand
    const answer = await fetch(location.pathname, { cache: "no-store" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
    const main = document.getElementById("main"), banner = document.getElementById("live");
    const open = [...main.querySelectorAll("details")].map((item) => item.open);
    const typed = [...main.querySelectorAll("input")].map((item) => item.value);
    fresh.querySelector("#live").replaceWith(banner);
    main.replaceChildren(...fresh.childNodes);
    main.querySelectorAll("details").forEach((item, at) => { if (open[at] !== undefined) item.open = open[at]; });
    main.querySelectorAll("input").forEach((item, at) => { if (typed[at]) item.value = typed[at]; });
    window.ARCHSWEEP.equip(main);
  };
  const said = (state) => {
    const banner = document.getElementById("live");
    if (!banner) return;
    const words = state.progress.map((item) => `${item.run}: ${item.ended}${item.planned ? ` of ${item.planned}` : ""} cases, ${Object.entries(item.by_status).map(([name, count]) => `${count} ${name}`).join(", ")}`);
    banner.textContent = words.length ? `A sweep is going on. ${words.join(" · ")}` : "";
    banner.hidden = !words.length;
  };
  const look = async () => {
    try {
      const state = await (await fetch(`${root}api/progress`, { cache: "no-store" })).json();
      said(state);
      if (state.version !== version) {
        version = state.version;
        await renew();
        document.documentElement.dataset.version = version;
      }
    } catch { /* the server has gone; it may come back */ }
    setTimeout(look, EVERY_MS);
  };
  look();
})();
