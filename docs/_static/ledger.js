// The ledger's filter: words, and a verdict; what it shows stands in the address.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("ledger-filter");
  if (!form) return;
  const entries = [...document.querySelectorAll("section section section")].filter((s) => s.querySelector("h3 .verdict"));
  const text = new Map(entries.map((s) => [s, s.textContent.toLowerCase()]));
  const chapters = [...new Set(entries.map((s) => s.parentElement))];
  const [words, verdict] = [form.elements.words, form.elements.verdict];
  const asked = new URLSearchParams(location.search);
  words.value = asked.get("words") ?? "";
  verdict.value = asked.get("verdict") ?? "";
  function show() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const s of entries) {
      const own = s.querySelector("h3 .verdict").textContent;
      s.hidden = (verdict.value && own !== verdict.value) || !wanted.every((w) => text.get(s).includes(w));
      count += !s.hidden;
    }
    for (const c of chapters) c.hidden = entries.every((s) => s.parentElement !== c || s.hidden);
    form.elements.count.value = `${count} of ${entries.length}`;
    const said = new URLSearchParams();
    if (words.value) said.set("words", words.value);
    if (verdict.value) said.set("verdict", verdict.value);
    // a page that is opened as a file may not change its address
    if (location.protocol !== "file:")
      history.replaceState(null, "", location.pathname + (said.size ? `?${said}` : "") + location.hash);
  }
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
});
