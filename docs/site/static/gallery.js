// Filters the gallery by paper and by verdict. Nothing is loaded; without it all figures are shown.
(() => {
  const bar = document.querySelector(".filters");
  if (!bar) return;
  const chosen = { paper: "", kind: "" };
  const asked = new URLSearchParams(window.location.search);
  const cards = [...document.querySelectorAll(".numbers")].map((numbers) => ({
    paper: numbers.dataset.paper,
    section: numbers.closest("section"),
    rows: [...numbers.querySelectorAll("tbody tr")],
  }));
  const status = bar.querySelector("[role=status]");

  function show() {
    let figures = 0;
    let count = 0;
    const papers = new Map();
    for (const { paper, section, rows } of cards) {
      let left = 0;
      for (const row of rows) {
        row.hidden = chosen.kind !== "" && row.dataset.kind !== chosen.kind;
        left += row.hidden || row.classList.contains("note") ? 0 : 1;
      }
      const there = (!chosen.paper || chosen.paper === paper) && (!chosen.kind || left > 0);
      section.hidden = !there;
      figures += there ? 1 : 0;
      count += there ? left : 0;
      const part = section.parentElement.closest("section");
      papers.set(part, papers.get(part) || there);
    }
    for (const [part, there] of papers) part.hidden = !there;
    for (const button of bar.querySelectorAll("button")) {
      const name = "paper" in button.dataset ? "paper" : "kind";
      button.setAttribute("aria-pressed", String(button.dataset[name] === chosen[name]));
    }
    const many = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
    status.textContent = figures
      ? `${many(figures, "figure")}, ${many(count, "number")}`
      : "No figure has both. Choose another paper or verdict.";
  }

  for (const button of bar.querySelectorAll("button")) {
    const name = "paper" in button.dataset ? "paper" : "kind";
    if (button.dataset[name] && button.dataset[name] === asked.get(name)) chosen[name] = asked.get(name);
    button.addEventListener("click", () => {
      chosen[name] = button.dataset[name];
      const query = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value)).toString();
      history.replaceState(null, "", (query ? `?${query}` : location.pathname) + location.hash);
      show();
    });
  }
  bar.hidden = false;
  show();
})();
