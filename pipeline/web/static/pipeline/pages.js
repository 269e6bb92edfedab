// What all pages do in the browser: keys, moving through lists, times in the reader's zone, a file to drop, a theme.
// Everything works without it; nothing here decides anything.
"use strict";
(() => {
  const FIELDS = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
  const typing = (element) => element.matches(FIELDS);
  // a button in a hidden form has a key although nobody sees it: undoing what was done last
  const visible = (element) => !element.hidden && (element.offsetParent !== null || element.closest("[hidden]"));
  let gone = 0; // when g was pressed

  // --- Theme: the same place that Django's own pages keep it -------------------------------------------------------
  const theme = () => localStorage.getItem("theme") || "auto";
  document.documentElement.dataset.theme = theme();
  function cycleTheme() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const order = dark ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
    const next = order[(order.indexOf(theme()) + 1) % 3];
    localStorage.setItem("theme", next);
    document.documentElement.dataset.theme = next;
  }

  // --- Keys --------------------------------------------------------------------------------------------------------
  function rows() { return [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null); }
  function step(by) {
    const all = rows();
    if (!all.length) return false;
    const now = all.findIndex((row) => row.classList.contains("lm-here"));
    const next = all[Math.min(Math.max(now + by, 0), all.length - 1)];
    all.forEach((row) => row.classList.toggle("lm-here", row === next));
    (next.querySelector("a[href]") || next).focus({preventScroll: true});
    next.scrollIntoView({block: "nearest"});
    return true;
  }
  function openKeys() {
    const dialog = document.getElementById("keys");
    if (!dialog || dialog.open) return;
    const list = dialog.querySelector("dl");
    list.textContent = "";
    const say = (key, what) => {
      const [term, kbd, told] = ["dt", "kbd", "dd"].map((name) => document.createElement(name));
      kbd.textContent = key;
      term.append(kbd);
      told.textContent = what;
      list.append(term, told);
    };
    const known = new Set();
    document.querySelectorAll("[data-key]").forEach((element) => {
      const key = element.dataset.key;
      if (known.has(key)) return;
      known.add(key);
      const shown = {" ": "space", Backspace: "⌫"}[key] || key;
      const also = element.dataset.keyAlso ? `, ${element.dataset.keyAlso}` : "";
      say(`${shown}${also}`, element.dataset.keyName || element.textContent.trim());
    });
    if (rows().length && !known.has("j")) say("j, k", "Next and previous row; Enter opens the row");
    if (rows().some((row) => row.querySelector("input[type=checkbox]"))) say("x", "Choose the row");
    say("/", "Search");
    document.querySelectorAll("[data-go]").forEach((link) => {
      say(`g ${link.dataset.go}`, link.firstChild.textContent.trim());
    });
    say("?", "Show these shortcuts");
    dialog.showModal();
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const on = event.target.closest("button, summary, a");
    if ((event.key === " " || event.key === "Enter") && on && on !== document.body && !on.hasAttribute("data-key")) {
      if (!(event.key === " " && on.matches("a"))) return; // the focused control does what it always does
    }
    if (event.key === "?") { event.preventDefault(); openKeys(); return; }
    if (event.key === "/") {
      const box = document.querySelector("[data-search]");
      if (box) { event.preventDefault(); box.focus(); box.select(); }
      return;
    }
    if (gone && Date.now() - gone < 1500) {
      const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      gone = 0;
      if (link) { event.preventDefault(); link.click(); return; }
    }
    if (event.key === "g") { gone = Date.now(); return; }
    const found = [...document.querySelectorAll("[data-key]")].find((element) => {
      const keys = [element.dataset.key, ...(element.dataset.keyAlso || "").split(" ")];
      return keys.includes(event.key) && !element.disabled && visible(element);
    });
    if (found) {
      event.preventDefault();
      if (found.matches("details")) {
        found.open = !found.open;
        const first = found.querySelector("input, textarea, select, button");
        if (found.open && first) first.focus();
      } else if (typing(found)) found.focus();
      else found.click();
      return;
    }
    // arrows scroll the page until a row is chosen; from then on they go from row to row
    const isInRows = rows().some((row) => row.classList.contains("lm-here"));
    const by = {j: 1, k: -1, ...(isInRows && {ArrowDown: 1, ArrowUp: -1})}[event.key];
    if (by) {
      if (step(by)) event.preventDefault();
      return;
    }
    if (event.key === "x") {
      const box = document.querySelector(".lm-here input[type=checkbox]");
      if (box) { event.preventDefault(); box.click(); }
    }
  });
  document.addEventListener("click", (event) => {
    const on = event.target.closest("[data-keys-open], [data-theme-cycle], [data-all]");
    if (!on) return;
    if (on.hasAttribute("data-keys-open")) openKeys();
    if (on.hasAttribute("data-theme-cycle")) cycleTheme();
    if (on.hasAttribute("data-all")) {
      const form = on.dataset.all;
      document
        .querySelectorAll(`input[type=checkbox][form="${form}"], #${form} input[type=checkbox][name]`)
        .forEach((box) => { box.checked = on.checked; });
    }
  });
  // A choice that needs no button of its own; without scripts the form has one.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });

  // --- Times in the reader's zone ----------------------------------------------------------------------------------
  const date = {day: "numeric", month: "short", year: "numeric"};
  const day = new Intl.DateTimeFormat(undefined, date);
  const moment = new Intl.DateTimeFormat(undefined, {...date, hour: "2-digit", minute: "2-digit"});
  function localTimes(root) {
    root.querySelectorAll("time[data-local]").forEach((element) => {
      const at = new Date(element.dateTime);
      if (isNaN(at)) return;
      element.textContent = (element.dataset.local === "day" ? day : moment).format(at);
      element.title = moment.format(at);
      element.removeAttribute("data-local");
    });
  }

  // --- A file to drop ----------------------------------------------------------------------------------------------
  function dropZones(root) {
    root.querySelectorAll("[data-drop]").forEach((zone) => {
      const input = zone.querySelector("input[type=file]");
      zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("lm-over"); });
      zone.addEventListener("dragleave", () => zone.classList.remove("lm-over"));
      zone.addEventListener("drop", (event) => {
        event.preventDefault();
        zone.classList.remove("lm-over");
        if (!event.dataTransfer.files.length) return;
        input.files = event.dataTransfer.files;
        input.form.requestSubmit();
      });
    });
  }

  // --- A large file, in pieces: what is sent again after a fault begins where the server says ----------------------
  document.addEventListener("submit", (event) => {
    const form = event.target, file = form.dataset.pieces && form.querySelector("input[type=file]").files[0];
    if (!file || file.size <= Number(form.dataset.piece)) return; // a small one is sent as forms are
    event.preventDefault();
    sendInPieces(form, file).catch((error) => {
      const problem = form.querySelector("[data-upload-problem]");
      problem.textContent = error.message;
      problem.hidden = false;
      form.querySelector("[data-upload-progress]").hidden = true;
    });
  });
  async function sendInPieces(form, file) {
    const size = Number(form.dataset.piece);
    const token = {"X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]").value};
    const shown = form.querySelector("[data-upload-progress]");
    const bar = shown.querySelector("progress"), said = shown.querySelector("p");
    const ask = async (address, body, more) => {
      const headers = {...token, ...more};
      const answer = await fetch(address, {method: "POST", body, headers, credentials: "same-origin"});
      const told = await answer.json().catch(() => ({problem: `The server answered ${answer.status}.`}));
      if (!answer.ok && told.next === undefined) throw new Error(told.problem);
      return told;
    };
    form.querySelector("[data-upload-problem]").hidden = true;
    shown.hidden = false;
    const begun = await ask(form.dataset.pieces, new URLSearchParams({name: file.name, size: file.size}));
    let at = 0, tries = 0;
    while (at < file.size) {
      try {
        const piece = file.slice(at, at + size);
        at = (await ask(`${begun.piece}?begins=${at}`, piece, {"Content-Type": "application/octet-stream"})).next;
        tries = 0;
      } catch (error) { // the network, mostly: three more tries, each after a longer pause
        if (++tries > 3) throw error;
        await new Promise((resume) => setTimeout(resume, 1000 * tries ** 2));
      }
      bar.value = at / file.size;
      said.textContent = `${Math.floor(100 * at / file.size)} % of ${(file.size / 1e6).toFixed(0)} MB`;
    }
    location.assign(begun.page);
  }

  // --- Live parts: asked for again with the tag of what is shown, so that nothing is sent where nothing changed -----
  const tags = new WeakMap();
  document.addEventListener("htmx:configRequest", (event) => {
    const tag = tags.get(event.detail.elt) || event.detail.elt.dataset.tag;
    if (event.detail.elt.hasAttribute("data-live") && tag) event.detail.headers["If-None-Match"] = tag;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const tag = event.detail.xhr && event.detail.xhr.getResponseHeader("ETag");
    if (tag) tags.set(event.detail.elt, tag);
  });
  document.addEventListener("htmx:afterSettle", (event) => localTimes(event.target));

  function start() { localTimes(document); dropZones(document); }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
