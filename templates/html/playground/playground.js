"use strict";
/* The box and what comes of it. Without this script the form is sent and comes back as a page. */
(() => {
  const box = document.getElementById("text");
  const answer = document.getElementById("answer");
  const status = document.getElementById("status");
  const examples = document.getElementById("examples");
  const link = document.getElementById("link");
  const mostLetters = Number(box.dataset.most);
  const mostLink = Number(box.dataset.mostLink);
  const phone = matchMedia("(max-width: 60rem)");
  const parts = [...answer.querySelectorAll(".part")];
  const PAUSE = 500; // between the last key and the work, in milliseconds
  const KEY = "f=";
  let running = null;
  let timer = 0;

  const encoded = (text) => {
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > mostLink) return null;
    let letters = "";
    for (const each of bytes) letters += String.fromCharCode(each);
    return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  };
  const decoded = (hash) => {
    if (!hash.startsWith(`#${KEY}`) || hash.length > 2 * mostLink) return null;
    try {
      const letters = atob(hash.slice(1 + KEY.length).replaceAll("-", "+").replaceAll("_", "/"));
      return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(letters, (each) => each.charCodeAt(0)));
    } catch {
      return null;
    }
  };
  /* The address carries the text where it is short enough, and the entry of the history does where it can be read. */
  const remember = () => {
    const code = box.value.trim() ? encoded(box.value) : null;
    const text = box.value.length > 2 * mostLetters ? null : box.value;
    history.replaceState({ text }, "", code === null ? location.pathname : `#${KEY}${code}`);
    link.disabled = code === null;
    link.textContent = code === null && box.value.trim() ? "Too long for a link" : "Copy link";
  };

  /* Places become buttons that select what they are about; buttons that copy are shown. */
  const enliven = (root) => {
    for (const each of root.querySelectorAll("span.place")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "place";
      button.title = each.title;
      button.textContent = each.textContent;
      Object.assign(button.dataset, each.dataset);
      each.replaceWith(button);
    }
    for (const each of root.querySelectorAll(".copy-text, .copy-next, .assume")) {
      each.hidden = !each.matches(".assume") && !navigator.clipboard;
    }
  };
  const copied = async (button, text) => {
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => { button.textContent = before; }, 1500);
  };
  const show = (part) => {
    const section = document.getElementById(part.part);
    if (!section) return;
    section.querySelector(".content").insertAdjacentHTML("beforeend", part.html);
    section.hidden = false;
    document.querySelector(`.parts-nav a[href="#${part.part}"]`).hidden = false;
    if (part.kind) answer.dataset.kind = part.kind;
    enliven(section);
  };
  const clear = () => {
    for (const each of parts) {
      each.querySelector(".content").replaceChildren();
      each.hidden = true;
      document.querySelector(`.parts-nav a[href="#${each.id}"]`).hidden = true;
    }
    answer.dataset.kind = "";
    answer.classList.remove("stale");
    answer.hidden = false;
  };
  const sentence = (text) => {
    clear();
    const title = document.createElement("h2");
    const words = document.createElement("p");
    title.textContent = "No answer";
    words.textContent = text;
    const section = document.getElementById("verdict");
    section.querySelector(".content").append(title, words);
    section.hidden = false;
    status.textContent = text;
  };

  const run = async () => {
    clearTimeout(timer);
    if (running) running.abort();
    remember();
    if (!box.value.trim()) {
      answer.hidden = true;
      status.textContent = "";
      return;
    }
    const letters = box.value.length > mostLetters ? [...box.value].length : 0;
    if (letters > mostLetters) {
      sentence(`Expected at most ${mostLetters} characters, found ${letters}; give longer texts to symderiv check.`);
      return;
    }
    const mine = running = new AbortController();
    answer.classList.add("stale");
    answer.setAttribute("aria-busy", "true");
    status.textContent = "Working";
    try {
      const response = await fetch("/work", {
        method: "POST", body: box.value, signal: mine.signal,
        headers: { "Content-Type": "text/plain; charset=utf-8" },
      });
      if (response.status === 503) {
        const pause = 1000 * (Number(response.headers.get("Retry-After")) || 2);
        status.textContent = "Others are served first; trying again";
        timer = setTimeout(run, pause);
        return;
      }
      if (!response.ok) {
        sentence(await response.text());
        return;
      }
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      let begun = false;
      let ended = false;
      for (;;) {
        const { done, value } = await reader.read();
        if (mine.signal.aborted) return;
        const lines = (rest + (value || "")).split("\n");
        rest = lines.pop();
        for (const line of lines) {
          const part = JSON.parse(line);
          if (part.part === "end") {
            ended = true;
            continue;
          }
          if (!begun) clear();
          begun = true;
          show(part);
        }
        if (done) break;
      }
      if (!ended) throw new TypeError("cut off");
      const title = document.querySelector("#verdict h2");
      status.textContent = title ? `Done: ${title.textContent}` : "Done";
    } catch (error) {
      if (mine.signal.aborted) return;
      sentence("The server does not answer: is symderiv serve still running?");
    } finally {
      if (running === mine) {
        answer.classList.remove("stale");
        answer.removeAttribute("aria-busy");
        running = null;
      }
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(run, PAUSE);
  };
  /* The way back leads to what stood in the box before. */
  const put = (text) => {
    if (text !== box.value) {
      remember();
      history.pushState(null, "");
    }
    take(text);
  };
  const take = (text) => {
    box.value = text;
    for (const each of examples.querySelectorAll("a")) {
      if (each.dataset.text === text) each.setAttribute("aria-current", "true");
      else each.removeAttribute("aria-current");
    }
    run();
  };

  box.addEventListener("input", soon);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
  document.getElementById("form").addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  link.addEventListener("click", () => {
    remember();
    copied(link, location.href);
  });
  document.addEventListener("click", (event) => {
    const found = event.target.closest("a, button");
    if (!found || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (found.matches(".examples a")) {
      event.preventDefault();
      if (phone.matches) examples.open = false;
      put(found.dataset.text);
    } else if (found.matches("a[href^='#']")) {
      const target = document.getElementById(found.getAttribute("href").slice(1));
      if (!target) return;
      event.preventDefault(); // what stands behind the # is the formula
      target.scrollIntoView({ behavior: "smooth" });
      target.focus({ preventScroll: true });
    } else if (found.matches(".place")) {
      box.focus();
      box.setSelectionRange(Number(found.dataset.begin), Number(found.dataset.end));
      box.scrollIntoView({ block: "nearest" });
    } else if (found.matches(".assume")) {
      put(`${box.value.trimEnd()}\nassume ${found.dataset.text}\n`);
    } else if (found.matches(".copy-text")) {
      copied(found, found.dataset.text);
    } else if (found.matches(".copy-next")) {
      copied(found, found.nextElementSibling.textContent);
    }
  });
  addEventListener("popstate", (event) => {
    const text = event.state ? event.state.text : decoded(location.hash);
    if (text !== null && text !== box.value) take(text);
  });

  link.hidden = !navigator.clipboard;
  if (phone.matches) examples.open = false;
  enliven(answer);
  const carried = history.state ? history.state.text : decoded(location.hash);
  if (carried !== null) take(carried);
  else if (location.hash.startsWith(`#${KEY}`)) sentence("This link is damaged: it carries no formula.");
  else if (answer.hidden) take(box.value.trim() ? box.value : examples.querySelector("a").dataset.text);
})();
