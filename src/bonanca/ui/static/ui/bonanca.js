// Enhancements only: every page reads and every form works without this file.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  // --- theme: a cookie that the server reads, so that the next page does not flash --------------------------------
  const choices = () => document.querySelectorAll("[data-theme-choice]");
  const showTheme = () => choices().forEach((button) =>
    button.setAttribute("aria-pressed", String((root.dataset.theme || "") === button.dataset.themeChoice)));
  document.querySelectorAll("[data-theme-choices]").forEach((group) => { group.hidden = false; });
  showTheme();

  // --- times that keep counting between two refreshes --------------------------------------------------------------
  const coarse = (s) => s < 60 ? `${Math.floor(s)} s` : s < 3600 ? `${Math.floor(s / 60)} min`
    : s < 86400 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
  const two = (n) => String(n).padStart(2, "0");
  const fine = (s) => s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min ${two(s % 60)} s`
    : s < 86400 ? `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))} min`
    : `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
  const solid = (text) => text.replaceAll(" ", "\u00a0");
  const write = (node, text) => { if (node && node.textContent !== text) node.textContent = text; };
  const tick = () => {
    if (document.hidden) return;
    const now = Date.now();
    document.querySelectorAll("time[data-moment]").forEach((time) => {
      const s = (now - Date.parse(time.dateTime)) / 1000;
      if (Math.abs(s) >= 30 * 86400 || !root.dataset.ago) return;
      const text = Math.abs(s) < 5 ? root.dataset.now
        : (s > 0 ? root.dataset.ago : root.dataset.in).replace("%(amount)s", coarse(Math.abs(s)));
      write(time.firstElementChild, solid(text));
    });
    document.querySelectorAll("time[data-elapsed]").forEach((time) => {
      const s = Math.max(0, Math.round((now - Date.parse(time.dataset.elapsed)) / 1000));
      write(time, solid(fine(s)));
    });
  };
  setInterval(tick, 1000);

  // --- live regions: never under somebody's hands ------------------------------------------------------------------
  const stale = document.getElementById("stale");
  const setStale = (is) => { if (stale) stale.hidden = !is; };
  const seen = new WeakMap();
  const busy = (region) => {
    const active = document.activeElement;
    if (active && region.contains(active) && active.matches("input, select, textarea")) return true;
    const selection = document.getSelection();
    return Boolean(selection && !selection.isCollapsed && region.contains(selection.anchorNode));
  };
  const live = (event) => event.detail.elt && event.detail.elt.hasAttribute("data-live") ? event.detail.elt : null;
  document.addEventListener("htmx:beforeRequest", (event) => {
    const region = live(event);
    if (region && (document.hidden || busy(region))) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const region = live(event);
    if (!region) return;
    if (event.detail.xhr.status >= 400) return; // Said by #stale; what is shown stays.
    const text = event.detail.serverResponse;
    if (/^\s*<!doctype/i.test(text)) { // A whole page instead of a fragment: the session ended, or the page changed.
      event.detail.shouldSwap = false;
      location.reload();
      return;
    }
    setStale(false);
    const plain = text.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");
    if (seen.get(region) === plain || busy(region)) { event.detail.shouldSwap = false; return; }
    seen.set(region, plain);
    region.openDetails = [...region.querySelectorAll("details[id][open]")].map((details) => details.id);
    region.focusId = region.contains(document.activeElement) ? document.activeElement.id : "";
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const region = live(event);
    if (!region) return;
    (region.openDetails || []).forEach((id) => { const d = document.getElementById(id); if (d) d.open = true; });
    const again = region.focusId && document.getElementById(region.focusId);
    if (again) again.focus({ preventScroll: true });
    tick();
  });
  ["htmx:sendError", "htmx:timeout", "htmx:responseError"].forEach((name) =>
    document.addEventListener(name, (event) => { if (live(event)) setStale(true); }));

  // --- clicks and submits ------------------------------------------------------------------------------------------
  document.querySelectorAll("[data-dismiss]").forEach((button) => { button.hidden = false; });
  document.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-theme-choice]");
    if (choice) {
      const theme = choice.dataset.themeChoice;
      const age = theme ? 31536000 : 0;
      document.cookie = `bonanca_theme=${theme}; path=/; max-age=${age}; samesite=lax`;
      if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
      showTheme();
    }
    const dismiss = event.target.closest("[data-dismiss]");
    if (dismiss) dismiss.closest(".toast").remove();
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  // Two taps in the night are one intention.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    if (event.target.method !== "post") return;
    event.target.dataset.sent = "1";
    if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  }));
  const problems = document.querySelector("[data-error-summary]");
  if (problems) problems.focus();
  const current = document.querySelector(".nav [aria-current]");
  if (current) {
    const nav = current.closest(".nav");
    nav.scrollLeft = current.offsetLeft - nav.clientWidth / 3;
  }

  // --- keyboard: / or ⌘K to jump, g then a letter for a page ---------------------------------------------------------
  const jump = document.getElementById("jump");
  if (!jump) return;
  const field = document.getElementById("jump-text");
  const list = document.getElementById("jump-list");
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const fill = () => {
    const words = fold(field.value).split(/\s+/).filter(Boolean);
    const found = new Map();
    document.querySelectorAll(".nav a, a[data-jump], main a[href^='/']").forEach((link) => {
      const text = link.dataset.jump || link.textContent.trim().replace(/\s+/g, " ");
      if (text && !found.has(link.href) && words.every((word) => fold(text).includes(word))) found.set(link.href, text);
    });
    list.replaceChildren(...[...found].slice(0, 12).map(([href, text]) => {
      const link = document.createElement("a");
      link.href = href;
      link.textContent = text;
      return link;
    }));
  };
  const open = () => { field.value = ""; fill(); jump.showModal(); field.focus(); };
  field.addEventListener("input", fill);
  jump.addEventListener("keydown", (event) => {
    const links = [...list.children];
    const at = links.indexOf(document.activeElement);
    if (event.key === "Enter" && event.target === field && links[0]) links[0].click();
    if (event.key === "ArrowDown") { event.preventDefault(); (links[at + 1] || links[0] || field).focus(); }
    if (event.key === "ArrowUp") { event.preventDefault(); (links[at - 1] || field).focus(); }
  });
  jump.addEventListener("click", (event) => { if (event.target === jump) jump.close(); });
  let went = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
      return;
    }
    if (event.metaKey || event.ctrlKey || event.altKey || jump.open) return;
    if (event.target.matches("input, select, textarea, [contenteditable]")) return;
    if (event.key === "/") { event.preventDefault(); open(); return; }
    if (event.key === "g") { went = Date.now(); return; }
    if (Date.now() - went < 1500) {
      const link = document.querySelector(`.nav a[data-key="${CSS.escape(event.key)}"]`);
      if (link) link.click();
    }
    went = 0;
  });
})();
