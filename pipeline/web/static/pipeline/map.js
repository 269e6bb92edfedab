// The theme map: points on a canvas that can be moved, zoomed, coloured and played over time. No library: a hundred
// thousand points are written as pixels, which takes a few milliseconds; only a few thousand are drawn as circles.
// Everything it shows also stands in the table below it.
"use strict";
(() => {
  const RECORD = 28; // bytes of a point: x, y float32; story, theme int64; day int32; the high byte first
  const CIRCLES = 6000; // up to so many visible points are drawn as circles
  const DAY = 86400000;
  const box = document.getElementById("map");
  if (!box) return;
  const byId = (id) => document.getElementById(id);
  const canvas = box.querySelector("canvas"), told = byId("m-told"), legend = byId("m-legend");
  const slider = byId("m-day"), dateText = byId("m-date"), playButton = byId("m-play");
  const context = canvas.getContext("2d");
  const asDay = new Intl.DateTimeFormat(undefined, {day: "numeric", month: "short", year: "numeric", timeZone: "UTC"});

  let count = 0, xs, ys, storyOf, themeOf, days, order; // the points; order: rows by rising day
  let stories = [], storyPlace = new Map(); // [id, title, status, points, x, y], largest first
  let group = null, groups = []; // of each point the group that colours it; of each group {name, number, colour}
  let shownGroup = -1, picked = Number(box.dataset.picked) || 0;
  let firstDay = 0, lastDay = 0, untilDay = Infinity;
  let scale = 1, left = 0, top = 0, fitted = 1; // screen = world * scale + offset, in CSS pixels
  let width = 0, height = 0, asked = 0, grid = null, playing = 0;

  // --- Colours -----------------------------------------------------------------------------------------------------
  const css = (name) => {
    const probe = document.createElement("span");
    probe.className = `lm-probe-${name}`;
    box.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const numbers = (colour) => (colour.match(/[\d.]+/g) || [0, 0, 0]).slice(0, 3).map(Number);
  const isDark = () => { const [r, g, b] = numbers(css("card")); return r + g + b < 380; };
  function hue(place, of) { // spread around the circle so that neighbours in the list differ
    const angle = (place * 137.508) % 360;
    return fromHsl(angle, 0.62, (isDark() ? 0.64 : 0.42) + 0.05 * ((place >> 3) % 2));
  }
  function fromHsl(h, s, l) {
    const k = (n) => (n + h / 30) % 12, a = s * Math.min(l, 1 - l);
    const f = (n) => Math.round(255 * (l - a * Math.max(-1, Math.min(k(n) - 3, 9 - k(n), 1))));
    return [f(0), f(8), f(4)];
  }
  function between(from, to, share) {
    return from.map((value, place) => Math.round(value + (to[place] - value) * share));
  }

  // --- Reading -----------------------------------------------------------------------------------------------------
  function unpack(buffer) {
    const view = new DataView(buffer);
    count = Math.floor(buffer.byteLength / RECORD);
    xs = new Float32Array(count); ys = new Float32Array(count); days = new Int32Array(count);
    storyOf = new Float64Array(count); themeOf = new Float64Array(count);
    for (let row = 0, at = 0; row < count; row++, at += RECORD) {
      xs[row] = view.getFloat32(at); ys[row] = view.getFloat32(at + 4);
      storyOf[row] = view.getUint32(at + 8) * 4294967296 + view.getUint32(at + 12);
      themeOf[row] = view.getUint32(at + 16) * 4294967296 + view.getUint32(at + 20);
      days[row] = view.getInt32(at + 24);
    }
    order = Uint32Array.from({length: count}, (_, row) => row).sort((one, other) => days[one] - days[other]);
    firstDay = count ? days[order[0]] : 0;
    lastDay = count ? days[order[count - 1]] : 0;
  }
  const ask = (address) => fetch(address, {credentials: "same-origin"}).then((answer) => {
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer;
  });
  const json = (address) => ask(address).then((answer) => answer.json());

  // --- Grouping by what colours ------------------------------------------------------------------------------------
  function byStory() {
    group = new Uint16Array(count);
    groups = [{name: "no story", number: 0, colour: numbers(css("faint")), quiet: true}];
    stories.forEach(([story, name, , number], place) => groups.push({name, number, colour: hue(place), story}));
    for (let row = 0; row < count; row++) {
      const place = storyPlace.get(storyOf[row]);
      group[row] = place === undefined ? 0 : place + 1;
      if (place === undefined) groups[0].number += 1;
    }
  }
  function byPeriod() {
    const parts = Math.max(1, Math.min(6, lastDay - firstDay + 1)), span = (lastDay - firstDay + 1) / parts;
    const old = numbers(css("edge")), now = numbers(css("bad"));
    group = new Uint16Array(count);
    groups = Array.from({length: parts}, (_, place) => ({
      name: `from ${asDay.format((firstDay + Math.ceil(place * span)) * DAY)}`, number: 0,
      colour: between(old, now, parts > 1 ? place / (parts - 1) : 1),
    }));
    for (let row = 0; row < count; row++) {
      group[row] = Math.min(parts - 1, Math.floor((days[row] - firstDay) / span));
      groups[group[row]].number += 1;
    }
  }
  function byValue(found) {
    const bytes = atob(found.places);
    group = new Uint16Array(count);
    const isRest = (name) => ["other", "unknown", "no story"].includes(name); // grey: they are no group of their own
    groups = found.values.map(([name, number], place) => ({
      name, number, colour: isRest(name) ? numbers(css("faint")) : hue(place),
    }));
    for (let row = 0; row < count; row++) group[row] = bytes.charCodeAt(row) || 0;
  }
  function colour() {
    if (box.dataset.by === "period") byPeriod(); else byStory();
    if (found) byValue(found);
    showLegend();
    draw();
  }
  let found = null; // what the server says of a colouring by something else

  function svg(name, attributes) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }
  function showLegend() {
    legend.textContent = "";
    const by = groups.map((each, place) => ({...each, place})).filter((each) => each.number);
    const size = (each) => each.quiet ? 0 : each.number; // points without a story stand last, however many they are
    if (box.dataset.by === "story") by.sort((one, other) => size(other) - size(one));
    by.slice(0, 12).forEach((each) => {
      const button = document.createElement("button");
      button.type = "button"; button.className = "lm-small lm-swatch";
      button.setAttribute("aria-pressed", String(each.place === shownGroup));
      const drawn = svg("svg", {viewBox: "0 0 10 10", "aria-hidden": "true"});
      drawn.append(svg("circle", {cx: 5, cy: 5, r: 5, fill: `rgb(${each.colour})`}));
      const most = width < 500 ? 26 : 44; // as much as a line of the legend holds
      const name = each.name.length > most ? `${each.name.slice(0, most - 1)}…` : each.name;
      button.append(drawn, ` ${name} ${each.number.toLocaleString()}`);
      button.addEventListener("click", () => {
        shownGroup = shownGroup === each.place ? -1 : each.place;
        showLegend();
        draw();
      });
      legend.append(button);
    });
  }

  // --- Where things are --------------------------------------------------------------------------------------------
  function measure() {
    width = canvas.clientWidth; height = canvas.clientHeight;
    const dense = Math.min(2, devicePixelRatio || 1);
    canvas.width = Math.round(width * dense); canvas.height = Math.round(height * dense);
    context.setTransform(dense, 0, 0, dense, 0, 0);
  }
  function fit() {
    if (!count) return;
    let west = Infinity, east = -Infinity, north = Infinity, south = -Infinity;
    for (let row = 0; row < count; row++) {
      if (xs[row] < west) west = xs[row];
      if (xs[row] > east) east = xs[row];
      if (ys[row] < north) north = ys[row];
      if (ys[row] > south) south = ys[row];
    }
    const margin = 40;
    const across = (width - 2 * margin) / Math.max(east - west, 1e-6);
    const down = (height - 2 * margin) / Math.max(south - north, 1e-6);
    scale = fitted = Math.min(across, down, 400);
    left = width / 2 - scale * (west + east) / 2;
    top = height / 2 - scale * (north + south) / 2;
  }
  function zoom(by, x = width / 2, y = height / 2) {
    const next = Math.min(Math.max(scale * by, fitted / 2), fitted * 200);
    left = x - (x - left) * next / scale; top = y - (y - top) * next / scale; scale = next;
    draw();
  }
  function centre(x, y, zoomed) {
    scale = Math.max(scale, fitted * zoomed);
    left = width / 2 - x * scale; top = height / 2 - y * scale;
    draw();
  }

  // --- Drawing -----------------------------------------------------------------------------------------------------
  function draw() { if (!asked) asked = requestAnimationFrame(() => { asked = 0; paint(); }); }
  function isShown(row) { return (shownGroup < 0 || group[row] === shownGroup) && days[row] <= untilDay; }
  function paint() {
    if (!width || !group) return;
    grid = null;
    context.clearRect(0, 0, width, height);
    let visible = 0;
    for (let row = 0; row < count && visible <= CIRCLES; row++) {
      const x = xs[row] * scale + left, y = ys[row] * scale + top;
      if (x > -4 && x < width + 4 && y > -4 && y < height + 4) visible += 1;
    }
    if (visible > CIRCLES) paintPixels(); else paintCircles(visible);
    if (picked) ring();
    names();
    canvas.dataset.view = `${scale} ${left} ${top}`;
    canvas.dataset.painted = String(Math.round(performance.now()));
  }
  function paintCircles(visible) {
    const radius = visible > 2000 ? 2.5 : visible > 300 ? 3.5 : 5;
    const rows = groups.map(() => []);
    for (let row = 0; row < count; row++) {
      const x = xs[row] * scale + left, y = ys[row] * scale + top;
      if (x > -6 && x < width + 6 && y > -6 && y < height + 6 && isShown(row)) rows[group[row]].push(row);
    }
    groups.forEach((each, place) => {
      for (const fresh of [false, true]) {
        context.fillStyle = `rgb(${each.colour})`;
        context.globalAlpha = fresh || untilDay === Infinity ? 0.82 : 0.3; // what is new stands out while it plays
        context.beginPath();
        for (const row of rows[place]) {
          if ((untilDay === Infinity ? false : untilDay - days[row] < stepDays() * 3) !== fresh) continue;
          const x = xs[row] * scale + left, y = ys[row] * scale + top;
          context.moveTo(x + radius, y);
          context.arc(x, y, radius, 0, 6.2832);
        }
        context.fill();
      }
    });
    context.globalAlpha = 1;
  }
  function paintPixels() {
    const dense = canvas.width / width, side = Math.max(2, Math.round(1.6 * dense));
    const image = context.createImageData(canvas.width, canvas.height), pixels = new Uint32Array(image.data.buffer);
    const packed = ([r, g, b], alpha) => (alpha << 24 | b << 16 | g << 8 | r) >>> 0; // as a little-endian pixel
    const colours = groups.map(({colour, quiet}) => packed(colour, quiet ? 0x90 : 0xe0));
    for (let row = 0; row < count; row++) {
      if (!isShown(row)) continue;
      const x = Math.round((xs[row] * scale + left) * dense), y = Math.round((ys[row] * scale + top) * dense);
      if (x < 0 || y < 0 || x + side >= canvas.width || y + side >= canvas.height) continue;
      const value = colours[group[row]];
      for (let down = 0; down < side; down++) {
        const first = (y + down) * canvas.width + x;
        pixels.fill(value, first, first + side);
      }
    }
    context.putImageData(image, 0, 0);
  }
  function ring() {
    context.strokeStyle = css("ink"); context.lineWidth = 1.2;
    context.beginPath();
    for (let row = 0; row < count; row++) {
      if (storyOf[row] !== picked || !isShown(row)) continue;
      const x = xs[row] * scale + left, y = ys[row] * scale + top;
      context.moveTo(x + 6, y);
      context.arc(x, y, 6, 0, 6.2832);
    }
    context.stroke();
  }
  function names() {
    const taken = [], ink = css("ink"), card = css("card");
    context.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
    context.textAlign = "center"; context.textBaseline = "middle"; context.lineJoin = "round";
    const first = stories.filter((story) => story[0] === picked).concat(stories);
    let drawn = 0;
    for (const story of first) {
      if (drawn >= 60) break;
      if (shownGroup > 0 && groups[shownGroup].story && groups[shownGroup].story !== story[0]) continue;
      const x = story[4] * scale + left, y = story[5] * scale + top;
      if (x < 0 || x > width || y < 8 || y > height - 8) continue;
      const text = story[1].length > 42 ? `${story[1].slice(0, 41)}…` : story[1];
      const half = context.measureText(text).width / 2 + 4, at = Math.min(Math.max(x, half + 2), width - half - 2);
      if (taken.some(([l, r, t]) => at - half < r && at + half > l && Math.abs(y - t) < 17)) continue;
      taken.push([at - half, at + half, y]);
      context.strokeStyle = card; context.lineWidth = 4; context.strokeText(text, at, y);
      context.fillStyle = ink; context.fillText(text, at, y);
      drawn += 1;
    }
  }

  // --- Pointing ----------------------------------------------------------------------------------------------------
  const CELL = 16;
  function under(x, y) {
    if (!grid) { // rows by cell of the screen, made when somebody points after the picture changed
      grid = new Map();
      for (let row = 0; row < count; row++) {
        if (!isShown(row)) continue;
        const px = xs[row] * scale + left, py = ys[row] * scale + top;
        if (px < 0 || py < 0 || px > width || py > height) continue;
        const key = Math.floor(px / CELL) * 4096 + Math.floor(py / CELL);
        const there = grid.get(key);
        if (there) there.push(row); else grid.set(key, [row]);
      }
    }
    let best = -1, nearest = 12 * 12;
    for (let dx = -1; dx <= 1; dx++) for (let dy = -1; dy <= 1; dy++) {
      for (const row of grid.get((Math.floor(x / CELL) + dx) * 4096 + Math.floor(y / CELL) + dy) || []) {
        const far = (xs[row] * scale + left - x) ** 2 + (ys[row] * scale + top - y) ** 2;
        if (far < nearest) { nearest = far; best = row; }
      }
    }
    return best;
  }
  const known = new Map(); // theme: what is said of it
  let pointed = -1, waits = 0;
  function point(row) {
    if (row === pointed) return;
    pointed = row;
    canvas.classList.toggle("lm-over", row >= 0);
    clearTimeout(waits);
    if (row < 0) { told.textContent = ""; return; }
    const place = storyPlace.get(storyOf[row]);
    told.textContent = place === undefined ? "…" : stories[place][1];
    const theme = themeOf[row];
    if (known.has(theme)) { say(known.get(theme)); return; }
    waits = setTimeout(() => {
      fetch(box.dataset.themeUrl.replace("/0/", `/${theme}/`), {credentials: "same-origin"})
        .then((answer) => (answer.ok ? answer.text() : "")).then((text) => {
          known.set(theme, text);
          if (pointed === row) say(text);
        });
    }, 80);
  }
  function say(text) { // our own template, in which every text is escaped
    told.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
  }
  const at = (event) => {
    const edge = canvas.getBoundingClientRect();
    return [event.clientX - edge.left, event.clientY - edge.top];
  };
  const held = new Map(); // fingers or buttons that are down
  let moved = 0, apart = 0;
  canvas.addEventListener("pointerdown", (event) => {
    held.set(event.pointerId, at(event));
    moved = 0;
    apart = 0;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = at(event), before = held.get(event.pointerId);
    if (!before) { point(under(x, y)); return; }
    held.set(event.pointerId, [x, y]);
    moved += Math.abs(x - before[0]) + Math.abs(y - before[1]);
    if (held.size === 2) {
      const [one, other] = [...held.values()], now = Math.hypot(one[0] - other[0], one[1] - other[1]);
      if (apart) zoom(now / apart, (one[0] + other[0]) / 2, (one[1] + other[1]) / 2);
      apart = now;
    } else { left += x - before[0]; top += y - before[1]; draw(); }
  });
  canvas.addEventListener("pointerup", (event) => {
    held.delete(event.pointerId);
    if (moved > 5) return;
    const row = under(...at(event));
    if (row < 0) return;
    if (event.pointerType === "touch" && row !== pointed) { point(row); return; } // a finger looks first, then opens
    location.assign(`${box.dataset.themeUrl.replace("/0/", `/${themeOf[row]}/`)}?open=1`);
  });
  canvas.addEventListener("pointercancel", (event) => held.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => { if (!held.size) point(-1); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), ...at(event));
  }, {passive: false});

  // --- Keys and buttons --------------------------------------------------------------------------------------------
  function showStory(id) {
    const place = storyPlace.get(id);
    if (place === undefined) return;
    picked = id;
    told.textContent = `${stories[place][1]}, ${stories[place][2]}, ${stories[place][3].toLocaleString()} themes`;
    centre(stories[place][4], stories[place][5], 3);
  }
  function walk(by) {
    if (!stories.length) return;
    const here = storyPlace.has(picked) ? storyPlace.get(picked) : by > 0 ? -1 : 0;
    showStory(stories[(here + by + stories.length) % stories.length][0]);
  }
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60, does = {
      ArrowLeft: () => { left += step; draw(); }, ArrowRight: () => { left -= step; draw(); },
      ArrowUp: () => { top += step; draw(); }, ArrowDown: () => { top -= step; draw(); },
      "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), "0": () => { fit(); draw(); },
      "]": () => walk(1), "[": () => walk(-1),
      Enter: () => { if (picked) location.assign(box.dataset.storyUrl.replace("/0/", `/${picked}/`)); },
    }[event.key];
    if (does) { event.preventDefault(); event.stopPropagation(); does(); }
  });
  byId("m-in").addEventListener("click", () => zoom(1.5));
  byId("m-out").addEventListener("click", () => zoom(1 / 1.5));
  byId("m-all").addEventListener("click", () => {
    picked = 0;
    shownGroup = -1;
    fit();
    showLegend();
    draw();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-show-story]");
    if (!button) return;
    showStory(Number(button.dataset.showStory));
    canvas.scrollIntoView({block: "center"});
    canvas.focus({preventScroll: true});
  });

  // --- Over time ---------------------------------------------------------------------------------------------------
  const stepDays = () => Math.max(1, (lastDay - firstDay + 1) / 120);
  function setDay(share) {
    untilDay = share >= 1000 ? Infinity : firstDay + Math.round((lastDay - firstDay) * share / 1000);
    dateText.textContent = asDay.format((untilDay === Infinity ? lastDay : untilDay) * DAY);
    slider.setAttribute("aria-valuetext", dateText.textContent);
    draw();
  }
  slider.addEventListener("input", () => { stop(); setDay(Number(slider.value)); });
  function stop() {
    clearInterval(playing);
    playing = 0;
    playButton.setAttribute("aria-pressed", "false");
    playButton.firstChild.textContent = "Play ";
  }
  playButton.addEventListener("click", () => {
    if (playing) { stop(); return; }
    if (Number(slider.value) >= 1000) slider.value = 0;
    playButton.setAttribute("aria-pressed", "true"); playButton.firstChild.textContent = "Pause ";
    playing = setInterval(() => {
      slider.value = Math.min(1000, Number(slider.value) + 9);
      setDay(Number(slider.value));
      if (Number(slider.value) >= 1000) stop();
    }, 100);
  });

  // --- Begin -------------------------------------------------------------------------------------------------------
  const by = box.dataset.by;
  Promise.all([
    ask(box.dataset.points).then((answer) => answer.arrayBuffer()),
    json(box.dataset.stories),
    by === "story" || by === "period" ? null : json(`${box.dataset.colours}?by=${encodeURIComponent(by)}`),
  ]).then(([buffer, said, coloured]) => {
    unpack(buffer);
    stories = said.stories;
    storyPlace = new Map(stories.map((story, place) => [story[0], place]));
    found = coloured;
    measure(); fit(); setDay(1000); colour();
    if (picked) showStory(picked);
    new ResizeObserver(() => { const was = width; measure(); if (was !== width) fit(); draw(); }).observe(canvas);
    new MutationObserver(colour).observe(document.documentElement, {attributes: true, attributeFilter: ["data-theme"]});
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", colour);
  }).catch((error) => {
    told.textContent = `The map cannot be shown now (${error.message}). The table below says the same.`;
  });
})();
